import { expect, test } from 'vitest'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

const OBJECT = 'durable?never-suspended'

const timers = () => runtime.do<number>(OBJECT, { type: 'timers' })
const count = () => runtime.query(OBJECT, 'a', 'select count(*)::int from idle')

test('a server that is never suspended has no timers while it has no clients, and goes on when one comes', async () => {
  await runtime.query(OBJECT, 'a', 'set synchronous_commit = off; create table idle as select 1 as one')
  expect(await timers()).toBeGreaterThan(0)
  await runtime.do(OBJECT, { type: 'end', session: 'a' })
  await until('no timers are left', async () => (await timers()) === 0)
  expect(await count()).toEqual([{ count: 1 }])
  // Time has passed for the background processes, and does again.
  expect(await runtime.query(OBJECT, 'a', 'select pg_sleep(0.1), 1 as one')).toMatchObject([{ one: 1 }])
  await runtime.do(OBJECT, { type: 'drop', session: 'a' })
  await until('no timers are left', async () => (await timers()) === 0)
})

test('a server that is stopped while it rests ends', async () => {
  await runtime.do(OBJECT, { type: 'stop' })
  expect(await timers()).toBe(0)
  expect(await count()).toEqual([{ count: 1 }])
})
