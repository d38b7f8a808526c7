import { expect, test } from 'vitest'
import { useWorkerd } from './workerd.js'

const runtime = useWorkerd()

test('a plain Worker starts, uses and stops a server within one request', async () => {
  for (let i = 0; i < 2; i++) expect(await runtime.do('plain', { type: 'memory' })).toEqual([{ one: 1 }])
})
