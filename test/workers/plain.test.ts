import { expect, test } from 'vitest'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

test('a plain Worker starts, uses and stops a server within one request', async () => {
  for (let i = 0; i < 2; i++) expect(await runtime.do('plain', { type: 'memory' })).toEqual([{ one: 1 }])
})

test('a server that a plain Worker has kept from another request says that it cannot be used', async () => {
  expect(await runtime.do('plain-kept', { type: 'memory' })).toEqual([{ one: 1 }])
  await expect(runtime.do('plain-kept', { type: 'memory' })).rejects.toThrow(
    'another request has started this server, and only that one can use it',
  )
})
