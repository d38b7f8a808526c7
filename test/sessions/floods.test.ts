/** Hundreds of clients connect at once and go at once: PostgreSQL starts few processes for them, and other clients are served. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import {
  CANCEL_REQUEST,
  columnsOf,
  firstMessage,
  message,
  PROTOCOL_3_0,
  query,
  RawConnection,
  SSL_REQUEST,
  startupMessage,
} from '../fixtures/raw-connection.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const FLOOD = 400

const server = useServer({ args: ['-v', '-c', 'log_connections=all'] })

const startup = startupMessage(PROTOCOL_3_0, { user: 'postgres', database: 'postgres' })

async function open(): Promise<Socket> {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/** Clients connect at the same time, send something or nothing, and go without waiting for an answer. */
async function flood(): Promise<void> {
  const words = [undefined, startup, firstMessage(SSL_REQUEST), startup.subarray(0, 20)]
  const comeAndGo = async (_: unknown, i: number) => {
    const socket = await open()
    const word = words[i % words.length]
    if (word !== undefined) socket.write(word)
    if (i % 3 === 0) socket.resetAndDestroy()
    else socket.destroy()
  }
  await Promise.all(Array.from({ length: FLOOD }, comeAndGo))
}

const received = () => server.log.match(/connection received/g)?.length ?? 0

test('a client that has gone before its process starts costs no process, and keeps no other client out', async () => {
  const before = received()
  await flood()
  const client = await server.connect()
  await client.query('select 1')
  // Some were served before they were gone; how many depends on how busy the machine is.
  expect(received() - before).toBeLessThan(FLOOD / 2)
})

test('a client that waits in a flood is served, also if it has sent everything in advance', async () => {
  const flooded = flood()
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const connection = await RawConnection.open(server.port)
      connection.send(startup, query(`select ${i}`), message('X'))
      connection.socket.end()
      const rows = (await connection.messagesUntil('D')).filter(({ type }) => type === 'D')
      connection.close()
      return rows.map(row => columnsOf(row)[0])
    }),
  )
  expect(answers).toEqual(Array.from({ length: 20 }, (_, i) => [String(i)]))
  await flooded
})

test('a client that sends a cancel request in a flood, and goes at once, has its query cancelled', async () => {
  const victim = await RawConnection.open(server.port)
  victim.send(startup)
  const key = (await victim.messagesUntil('Z')).find(({ type }) => type === 'K')!.body
  victim.send(query('select pg_sleep(3600)'))
  const witness = await server.connect()
  await until('the query runs', async () => {
    const { rowCount } = await witness.query(
      `select from pg_stat_activity where query = 'select pg_sleep(3600)' and wait_event = 'PgSleep'`,
    )
    return rowCount === 1
  })
  const flooded = flood()
  const asking = await open()
  asking.end(firstMessage(CANCEL_REQUEST, Buffer.from(key)))
  asking.resume()
  const [answer] = (await victim.messagesUntil('E')).filter(({ type }) => type === 'E')
  expect(answer?.body.toString()).toContain('57014')
  victim.close()
  await flooded
})

test('each client gets its own session while others are refused or go at once', async () => {
  const refused = () =>
    server.connect({ database: 'nowhere' }).then(
      () => 'connected',
      ({ code }) => code,
    )
  const own = async (name: string) => {
    const client = await server.connect({ application_name: name })
    const { rows } = await client.query('show application_name')
    await client.end()
    return rows[0].application_name
  }
  for (let round = 0; round < 20; round++) {
    const names = [1, 2, 3].map(client => `client ${client} of round ${round}`)
    const answers = Promise.all(names.flatMap(name => [refused(), own(name)]))
    const socket = await open()
    socket.write(startup)
    socket.destroy()
    expect(await answers).toEqual(names.flatMap(name => ['3D000', name]))
  }
})
