/** Connections that the server makes to others, seen through CREATE SUBSCRIPTION, which makes one at once. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const socketDir = mkdtempSync(join(tmpdir(), 'outgoing-'))
afterAll(() => rmSync(socketDir, { recursive: true }))

const publisher = useServer({ args: ['-c', 'wal_level=logical', '-k', socketDir] })
const server = useServer()

let session: pg.Client
beforeAll(async () => {
  const client = await publisher.connect()
  await client.query('create publication nothing')
})
beforeEach(async () => {
  session = await server.connect()
})

function subscribe(connection: string): Promise<unknown> {
  return session.query(`create subscription s connection '${connection}' publication nothing`)
}

/** Subscribes, and says how the publisher sees the connection. */
async function seenByPublisher(connection: string): Promise<pg.QueryResultRow> {
  await subscribe(connection)
  const watcher = await publisher.connect()
  const connections = () =>
    watcher.query(`select host(client_addr) as address, client_port as port, usename, application_name, backend_type
      from pg_stat_activity where backend_type = 'walsender'`)
  try {
    await until('the apply worker is connected', async () => {
      const [row] = (await connections()).rows
      return row?.application_name === 's' && row.usename !== null
    })
    return (await connections()).rows[0]
  } finally {
    await session.query('drop subscription s')
    await until('it is gone', async () => (await connections()).rows.length === 0)
  }
}

test('over IPv4 the publisher sees address, port, user and application name', async () => {
  const { port, ...seen } = await seenByPublisher(`host=127.0.0.1 port=${publisher.port} user=postgres`)
  expect(seen).toEqual({
    address: '127.0.0.1',
    usename: 'postgres',
    application_name: 's',
    backend_type: 'walsender',
  })
  expect(port).toBeGreaterThan(1023)
})

test('over IPv6 as well', async () => {
  expect(await seenByPublisher(`host=::1 port=${publisher.port} user=postgres`)).toMatchObject({
    address: '::1',
  })
})

test('over a unix socket as well', async () => {
  const seen = await seenByPublisher(`host=${socketDir} port=${publisher.port} user=postgres`)
  expect(seen).toMatchObject({ address: null, port: -1 })
})

test('names are resolved by the host', async () => {
  // Only its resolver knows that this is 127.0.0.1: it is no numeric address in the usual notation.
  expect(await seenByPublisher(`host=127.1 port=${publisher.port} user=postgres`)).toMatchObject({
    address: '127.0.0.1',
  })
})

test('of several hosts the first that answers is taken', async () => {
  const { port } = publisher
  expect(
    await seenByPublisher(`host=/nowhere,127.0.0.1,localhost port=${port},1,${port} user=postgres`),
  ).toMatchObject({ address: '::1' })
})

test.each([
  [
    'host=127.0.0.1 port=1',
    /"127.0.0.1", port 1 failed: Connection refused\n\tIs the server running on that host/,
  ],
  [
    'host=/nowhere port=1',
    /socket "\/nowhere\/.s.PGSQL.1" failed: No such file or directory\n\tIs the server/,
  ],
  [
    'host=no.such.host.invalid',
    /could not translate host name "no.such.host.invalid" to address: Name or service not known/,
  ],
])('%s fails in the words of libpq', async (connection, message) => {
  await expect(subscribe(`${connection} user=postgres`)).rejects.toThrow(message)
})

test('a connection that asks for TLS is refused, and not made without TLS', async () => {
  await expect(subscribe(`host=127.0.0.1 port=${publisher.port} sslmode=require`)).rejects.toThrow(
    'server does not support SSL, but SSL was required',
  )
})

/** Accepts connections and says what a test wants it to. */
async function listen(serve: (client: Socket) => void) {
  const listener = createServer({ allowHalfOpen: true }, client => {
    client.on('error', () => {})
    serve(client)
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return { listener, port: (listener.address() as AddressInfo).port }
}

test('a cancel request ends the wait for a server that says nothing, and the connection with it', async () => {
  let accepted: () => void
  const arrived = new Promise<void>(resolve => {
    accepted = resolve
  })
  let ended: Promise<unknown> | undefined
  const { listener, port } = await listen(client => {
    ended = once(client.resume(), 'end').then(() => client.end())
    accepted()
  })
  const pid = (await session.query('select pg_backend_pid() as pid')).rows[0].pid
  const failure = expect(subscribe(`host=127.0.0.1 port=${port}`)).rejects.toThrow(
    'canceling statement due to user request',
  )
  await arrived
  await (await server.connect()).query('select pg_cancel_backend($1)', [pid])
  await failure
  await ended
  listener.close()
})

test('a server that hangs up in the middle is reported', async () => {
  const { listener, port } = await listen(client => client.once('data', () => client.destroy()))
  await expect(subscribe(`host=127.0.0.1 port=${port} sslmode=disable`)).rejects.toThrow(
    'server closed the connection unexpectedly',
  )
  listener.close()
})

test('a session that is terminated takes its connection along', async () => {
  const clients: Socket[] = []
  const { listener, port } = await listen(client => {
    clients.push(client)
  })
  const pid = (await session.query('select pg_backend_pid() as pid')).rows[0].pid
  const failure = expect(subscribe(`host=127.0.0.1 port=${port}`)).rejects.toThrow()
  await until('it is connected', () => clients.length === 1)
  const ended = once(clients[0]!.resume(), 'end').then(() => clients[0]!.end())
  await (await server.connect()).query('select pg_terminate_backend($1)', [pid])
  await failure
  await ended
  listener.close()
})
