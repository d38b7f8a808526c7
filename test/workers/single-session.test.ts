/** Where WebAssembly cannot be suspended: one session, whose every message runs to completion. */
import { expect, test } from 'vitest'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const runtime = useWorkerd()

const CATCH = 'do $$ begin perform 1/0; exception when division_by_zero then create table caught (); end $$'

test('without JSPI drivers get one session after the other, and clients from outside are refused', async () => {
  const sessions = [
    ['create table kept as select id from generate_series(1, 1000) id', CATCH, 'begin', 'delete from kept'],
    ["select count(*)::int, to_regclass('caught')::text as caught from kept"],
  ]
  expect(await runtime.do('durable', { type: 'without JSPI', sessions })).toEqual([
    [],
    [{ count: 1000, caught: 'caught' }],
    501,
    0,
  ])
})

test('what it has committed survives when the runtime is killed, and a whole server finds it', async () => {
  const sessions = [['create table more as select 2 as two']]
  await runtime.do('durable', { type: 'without JSPI', sessions })
  await runtime.kill()
  await runtime.start()
  expect(await runtime.query('durable', 'a', 'select two from more, kept limit 1')).toEqual([{ two: 2 }])
  await runtime.do('durable', { type: 'stop' })
})

test('a module answers what its import handler is given, on the storage of the object', async () => {
  const queries = [
    "select 'rows: ' || count(*) from kept",
    'create table third as select 3 as three',
    'select 1/0',
    'select 6 * 7',
  ]
  const outputs = await runtime.do<string[]>('durable', { type: 'to completion', queries })
  expect(outputs).toEqual([
    expect.stringContaining('rows: 1000'),
    expect.stringContaining('SELECT 1'),
    expect.stringContaining('22012'),
    expect.stringContaining('42'),
    'exit 0',
  ])
  expect(await runtime.query('durable', 'a', 'select three from third')).toEqual([{ three: 3 }])
})

test('a statement that would have to wait fails, because no process could wake it, and the session goes on', async () => {
  const queries = ['select pg_sleep(10)', 'select 6 * 7']
  const outputs = await runtime.do<string[]>('completion', { type: 'to completion', queries })
  expect(outputs[0]).toMatch(/ERROR/)
  expect(outputs[1]).toContain('42')
})
