import { connect } from 'node:net'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { uint32 } from '../../wasm/protocol/bytes.js'
import { CANCEL_REQUEST, firstMessage } from '../fixtures/raw-connection.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer()

/** Statements that would take for hours, each keeping the processor busy in another way. */
const BUSY = [
  ['a scan', 'select count(*) from generate_series(1, 1000000000000::bigint)'],
  ['a join', 'select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b'],
  ['a PL/pgSQL loop', 'do $$ declare i bigint := 0; begin loop i := i + 1; end loop; end $$'],
  [
    'a recursive query',
    'with recursive r as (select 1 as i union all select 1 from r) select count(*) from r',
  ],
  [
    'a regular expression',
    "select repeat('a', 4000) || 'b' ~ '^(a|a?)+(a|aa)+(a|aa?)+$' from generate_series(1, 100000000) i",
  ],
] as const

/** Asks to cancel what a backend does, as libpq's PQcancel() does: by a connection of its own. */
async function sendCancelRequest(pid: number, secret: number): Promise<void> {
  const socket = connect(server.port, '127.0.0.1')
  socket.end(firstMessage(CANCEL_REQUEST, Buffer.concat([uint32(pid), uint32(secret)])))
  socket.resume()
  await new Promise((resolve, reject) => {
    socket.on('close', resolve)
    socket.on('error', reject)
  })
}

async function untilActive(session: pg.Client): Promise<void> {
  const watcher = await server.connect()
  await until('the statement runs', async () => {
    const { rows } = await watcher.query("select from pg_stat_activity where pid = $1 and state = 'active'", [
      keyOf(session).processID,
    ])
    return rows.length === 1
  })
}

/** What node-postgres keeps of BackendKeyData; its types do not mention it. */
function keyOf(session: pg.Client): { processID: number; secretKey: number } {
  return session as never
}

test.each(BUSY)('a CancelRequest stops %s, and the session goes on', async (_, statement) => {
  const session = await server.connect()
  const failure = expect(session.query(statement)).rejects.toMatchObject({
    code: '57014',
    message: 'canceling statement due to user request',
  })
  await untilActive(session)
  const { processID, secretKey } = keyOf(session)
  await sendCancelRequest(processID, secretKey)
  await failure
  expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test.each(BUSY)('statement_timeout stops %s', async (_, statement) => {
  const session = await server.connect()
  await session.query("set statement_timeout = '300ms'")
  await expect(session.query(statement)).rejects.toMatchObject({
    code: '57014',
    message: 'canceling statement due to statement timeout',
  })
  expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a CancelRequest with the wrong secret is ignored', async () => {
  const holder = await server.connect()
  await holder.query('select pg_advisory_lock(8)')
  const session = await server.connect()
  const { processID, secretKey } = keyOf(session)
  const query = session.query('select pg_advisory_lock(8), 1 as one')
  await untilActive(session)
  await sendCancelRequest(processID, secretKey ^ 1)
  await holder.query('select pg_advisory_unlock(8)')
  expect((await query).rows).toMatchObject([{ one: 1 }])
})

test('a CancelRequest stops a wait for a lock and a sleep', async () => {
  const holder = await server.connect()
  await holder.query('select pg_advisory_lock(7)')
  for (const statement of ['select pg_advisory_lock(7)', 'select pg_sleep(3600)']) {
    const session = await server.connect()
    const failure = expect(session.query(statement)).rejects.toMatchObject({ code: '57014' })
    await untilActive(session)
    await sendCancelRequest(keyOf(session).processID, keyOf(session).secretKey)
    await failure
  }
})

test('pg_cancel_backend and pg_terminate_backend reach a busy backend', async () => {
  const session = await server.connect()
  const other = await server.connect()
  for (const [act, code] of [
    ['pg_cancel_backend', '57014'],
    ['pg_terminate_backend', '57P01'],
  ]) {
    const failure = expect(session.query(BUSY[1][1])).rejects.toMatchObject({ code })
    await untilActive(session)
    await other.query(`select ${act}($1)`, [keyOf(session).processID])
    await failure
  }
})

test('other sessions are served while all processors are busy', async () => {
  const busy = await Promise.all(Array.from({ length: 4 }, () => server.connect()))
  const failures = busy.map(session =>
    expect(session.query(BUSY[1][1])).rejects.toMatchObject({ code: '57014' }),
  )
  for (const session of busy) await untilActive(session)
  const other = await server.connect()
  expect((await other.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  for (const session of busy) await other.query('select pg_cancel_backend($1)', [keyOf(session).processID])
  await Promise.all(failures)
})

test('idle_in_transaction_session_timeout and transaction_timeout end the session', async () => {
  const idle = await server.connect()
  const idleEnd = new Promise(resolve => idle.once('error', resolve))
  await idle.query("set idle_in_transaction_session_timeout = '100ms'")
  await idle.query('begin')
  expect(await idleEnd).toMatchObject({ code: '25P03' })

  const busy = await server.connect()
  await busy.query("set transaction_timeout = '100ms'")
  await expect(busy.query(BUSY[1][1])).rejects.toMatchObject({ code: '25P04' })
})
