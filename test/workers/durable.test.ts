import { expect, test } from 'vitest'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

test('what was committed survives when the runtime is killed', async () => {
  await runtime.query('durable', 'a', 'create table kept as select id from generate_series(1, 1000) id')
  await runtime.query('durable', 'b', 'begin')
  await runtime.query('durable', 'b', 'insert into kept values (0)')
  await runtime.kill()
  await runtime.start()
  expect(await runtime.query('durable', 'a', 'select count(*)::int from kept')).toEqual([{ count: 1000 }])
})

test('what was committed survives when the object is evicted and its isolate stays', async () => {
  await runtime.query('durable-aborted', 'a', 'create table kept as select 1 as one')
  await expect(runtime.do('durable-aborted', { type: 'abort' })).rejects.toThrow()
  expect(await runtime.query('durable-aborted', 'a', 'select * from kept')).toEqual([{ one: 1 }])
})
