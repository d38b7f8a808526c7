import type { Socket } from 'node:net'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { message, PROTOCOL_3_0, query, RawConnection, startupMessage } from '../fixtures/raw-connection.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const MAX_CONNECTIONS = 60

const server = useServer({ args: ['--max-connections', String(MAX_CONNECTIONS)] })

async function backendOf(session: pg.Client): Promise<number> {
  return (await session.query('select pg_backend_pid() as pid')).rows[0].pid
}

async function untilGone(backend: number): Promise<void> {
  const watcher = await server.connect()
  await until(`backend ${backend} is gone`, async () => {
    const { rows } = await watcher.query('select from pg_stat_activity where pid = $1', [backend])
    return rows.length === 0
  })
}

/** The client's end of a connection as the operating system has it. */
function socketOf(session: pg.Client): Socket {
  return (session as never as { connection: { stream: Socket } }).connection.stream
}

describe('a dropped connection', () => {
  test('rolls back the transaction and frees its locks', async () => {
    const a = await server.connect()
    await a.query('create table dropped (i int)')
    await a.query('begin')
    await a.query('insert into dropped values (1)')
    await a.query('lock table dropped in access exclusive mode')
    const backend = await backendOf(a)
    const b = await server.connect()
    const select = b.query('select count(*)::int as n from dropped')
    await until('B waits for A', async () => {
      const { rows } = await (await server.connect()).query(
        'select from pg_stat_activity where $1 = any (pg_blocking_pids(pid))',
        [backend],
      )
      return rows.length === 1
    })
    socketOf(a).destroy()
    expect((await select).rows).toEqual([{ n: 0 }])
    await untilGone(backend)
  })

  test('does the same when the client has reset it', async () => {
    const a = await server.connect()
    await a.query('select pg_advisory_lock(3)')
    const backend = await backendOf(a)
    socketOf(a).resetAndDestroy()
    const b = await server.connect()
    await b.query('select pg_advisory_lock(3)')
    await untilGone(backend)
  })

  test('ends a busy query after client_connection_check_interval', async () => {
    const a = await server.connect()
    await a.query("set client_connection_check_interval = '50ms'")
    const backend = await backendOf(a)
    const failure = expect(
      a.query('select count(*) from generate_series(1, 1000000000000)'),
    ).rejects.toThrow()
    socketOf(a).destroy()
    await failure
    await untilGone(backend)
  })

  test('in the middle of a result ends its backend', async () => {
    const connection = await RawConnection.open(server.port)
    connection.send(
      startupMessage(PROTOCOL_3_0, { user: 'postgres', application_name: 'leaves early' }),
      query("select repeat('x', 100000) from generate_series(1, 100000)"),
    )
    await connection.messagesUntil('D')
    connection.close()
    const watcher = await server.connect()
    await until('its backend is gone', async () => {
      const { rows } = await watcher.query(
        "select from pg_stat_activity where application_name = 'leaves early'",
      )
      return rows.length === 0
    })
  })

  test('in the middle of a COPY FROM STDIN leaves nothing of it', async () => {
    const watcher = await server.connect()
    await watcher.query('create table half (t text)')
    const connection = await RawConnection.open(server.port)
    connection.send(startupMessage(PROTOCOL_3_0, { user: 'postgres', application_name: 'copies half' }))
    await connection.messagesUntil('Z')
    connection.send(query('copy half from stdin'))
    await connection.messagesUntil('G')
    const copyData = message('d', 'a row\n'.repeat(1000))
    connection.send(copyData, copyData.subarray(0, 100))
    connection.close()
    await until('its backend is gone', async () => {
      const found = await watcher.query("select from pg_stat_activity where application_name = 'copies half'")
      return found.rows.length === 0
    })
    expect((await watcher.query('select count(*)::int as n from half')).rows).toEqual([{ n: 0 }])
  })
})

test('a client that ends its side only still gets its answer', async () => {
  const connection = await RawConnection.open(server.port)
  connection.socket.end(
    Buffer.concat([
      startupMessage(PROTOCOL_3_0, { user: 'postgres' }),
      query("select repeat('y', 300000) from generate_series(1, 10)"),
    ]),
  )
  await connection.messagesUntil('Z')
  const rows = (await connection.messagesUntil('Z')).filter(({ type }) => type === 'D')
  expect(rows.length).toBe(10)
})

test('50 clients that come at once are all served, each by a backend of its own', async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, () => server.connect()))
  const answers = await Promise.all(
    clients.map(async (client, i) => {
      await client.query(`create temp table mine as select ${i} as i`)
      const { rows } = await client.query('select i, pg_backend_pid() as pid from mine')
      return rows[0] as { i: number; pid: number }
    }),
  )
  expect(answers.map(({ i }) => i)).toEqual(Array.from({ length: 50 }, (_, i) => i))
  expect(new Set(answers.map(({ pid }) => pid)).size).toBe(50)
})

test('one client too many is refused with 53300, and there is room again once another has left', async () => {
  const clients: pg.Client[] = []
  let refusal: unknown
  while (refusal === undefined && clients.length <= MAX_CONNECTIONS) {
    await server.connect().then(
      client => clients.push(client),
      error => {
        refusal = error
      },
    )
  }
  expect(refusal).toMatchObject({ severity: 'FATAL', code: '53300' })
  expect(clients.length).toBe(MAX_CONNECTIONS)
  const backend = await backendOf(clients[0]!)
  await clients[0]!.end()
  await until('its backend has gone', async () => {
    const { rows } = await clients[1]!.query('select from pg_stat_activity where pid = $1', [backend])
    return rows.length === 0
  })
  expect((await (await server.connect()).query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('hundreds of short connections one after the other leave nothing behind', async () => {
  const watcher = await server.connect()
  for (let i = 0; i < 300; i++) {
    const client = await server.connect()
    expect((await client.query('select $1::int as i', [i])).rows).toEqual([{ i }])
    await client.end()
  }
  await until('their backends are gone', async () => {
    const { rows } = await watcher.query(
      "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend'",
    )
    return rows[0].n === 1
  })
})
