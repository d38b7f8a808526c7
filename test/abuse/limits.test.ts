/** Clients that are too many, too slow, or send too much: the server refuses them, and serves all others meanwhile. */
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { uint32 } from '../../wasm/protocol/bytes.js'
import {
  CANCEL_REQUEST,
  fieldsOf,
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
import { amount, Witness } from '../fixtures/witness.js'

const MAX_CONNECTIONS = 20

/** Opens more connections at once than the server accepts at once: the last ones wait until there is room. */
const WAVE = 100

const server = useServer({
  args: [
    ...['--max-connections', String(MAX_CONNECTIONS), '--tls-self-signed', '-c', 'authentication_timeout=3s'],
    ...['-c', 'superuser_reserved_connections=2', '-c', 'reserved_connections=3'],
  ],
})

const opened: RawConnection[] = []
afterEach(() => {
  for (const connection of opened.splice(0)) connection.close()
})

async function open(...first: Buffer[]): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port)
  opened.push(connection)
  connection.send(...first)
  return connection
}

const startup = (user: string) => startupMessage(PROTOCOL_3_0, { user, database: 'postgres' })

/** Opens sessions of a role until one is refused. Returns how many there were, and the error of the refused one. */
async function fill(user: string): Promise<{ count: number; refusal: Record<string, string> }> {
  for (let count = 0; ; count++) {
    const messages = await (await open(startup(user))).messagesUntil('Z')
    const last = messages.at(-1)!
    if (last.type !== 'Z') return { count, refusal: fieldsOf(last) }
  }
}

test('max_connections, slots for pg_use_reserved_connections and for superusers are kept, with 53300', async () => {
  const witness = await Witness.of(server)
  const client = await server.connect()
  await client.query(
    'create role plain login; create role privileged login; grant pg_use_reserved_connections to privileged',
  )
  await client.end()
  await witness.isAlone()
  const plain = await fill('plain')
  expect(plain.count).toBe(MAX_CONNECTIONS - 1 - 5)
  expect(plain.refusal).toMatchObject({
    S: 'FATAL',
    C: '53300',
    M: expect.stringContaining('"pg_use_reserved_connections"'),
  })
  const privileged = await fill('privileged')
  expect(privileged.count).toBe(3)
  expect(privileged.refusal).toMatchObject({ C: '53300', M: expect.stringContaining('SUPERUSER') })
  const superuser = await fill('postgres')
  expect(superuser.count).toBe(2)
  expect(superuser.refusal).toMatchObject({ S: 'FATAL', C: '53300', M: 'sorry, too many clients already' })
  for (const connection of opened.splice(0)) connection.close()
  await witness.check()
})

test('clients for whom there is no process get 53300, also those that ask for TLS first', async () => {
  const witness = await Witness.of(server)
  const silent = amount(300, 2000)
  await Promise.all(Array.from({ length: silent }, () => open()))
  for (const request of [[], [firstMessage(SSL_REQUEST)]]) {
    const connection = await open(...request)
    if (request.length > 0) {
      const answer = (await connection.bytes(1))?.toString()
      if (answer === 'S') continue // It has found a slot.
      expect(answer).toBe('N')
    }
    connection.send(startup('postgres'))
    const [first] = await connection.messagesUntil('Z')
    expect(fieldsOf(first!)).toMatchObject({ S: 'FATAL', C: '53300', M: 'sorry, too many clients already' })
  }
  await witness.isServed()
  for (const connection of opened.splice(0)) connection.close()
  await witness.check()
})

test('a client that does not log in is disconnected, and keeps no other client out', async () => {
  const witness = await Witness.of(server)
  const whole = startup('postgres')
  const hello = Buffer.from('16030100c8010000c40303', 'hex')
  const slow = [
    await open(),
    await open(whole.subarray(0, 6)),
    await open(firstMessage(SSL_REQUEST)),
    await open(firstMessage(SSL_REQUEST), hello),
    await open(hello),
  ]
  let drip = 0
  const dripping = setInterval(() => {
    if (drip < whole.length - 1) slow[0]!.send(whole.subarray(drip, ++drip))
  }, 100)
  await witness.othersAreServed()
  for (const connection of slow) {
    if (connection === slow[2] || connection === slow[3]) await connection.bytes(1)
    expect(await connection.bytes(1)).toBeUndefined()
  }
  clearInterval(dripping)
  await witness.check()
})

test('a message that says it is a gigabyte takes the memory of one, until its client goes', async () => {
  const witness = await Witness.of(server)
  const connection = await open(startup('postgres'))
  await connection.messagesUntil('Z')
  connection.send(Buffer.concat([Buffer.from('Q'), uint32(0x3fffff00), Buffer.from('select 1')]))
  await witness.othersAreServed()
  connection.close()
  await witness.check()
})

test('messages that are longer than allowed, or shorter than possible, end the session', async () => {
  const witness = await Witness.of(server)
  for (const length of [0x40000000, 0x7fffffff, -1, 0, 3]) {
    const connection = await open(startup('postgres'))
    await connection.messagesUntil('Z')
    connection.send(Buffer.concat([Buffer.from('Q'), uint32(length)]))
    expect(await connection.message()).toBeUndefined()
  }
  await witness.check()
})

test('clients that never read their results hold up no backends but their own', async () => {
  const witness = await Witness.of(server)
  const before = witness.memory()
  for (let i = 0; i < 10; i++) {
    const connection = await open(
      startup('postgres'),
      query("select repeat('x', 1000) from generate_series(1, 1000000)"),
    )
    connection.socket.pause()
  }
  await until('they wait for their clients', async () => {
    const client = await server.connect()
    const { rows } = await client.query(
      "select count(*)::int as count from pg_stat_activity where wait_event = 'ClientWrite'",
    )
    await client.end()
    return rows[0].count === 10
  })
  expect(witness.memory() - before).toBeLessThan(200)
  await witness.isServed()
  for (const connection of opened.splice(0)) connection.close()
  await witness.check()
})

test('hundreds of cancel requests with wrong secrets cancel nothing', async () => {
  const witness = await Witness.of(server)
  const session = await server.connect()
  const sleep = session.query("select 'slept' as answer from pg_sleep(1)")
  const requests = amount(300, 5000)
  for (let sent = 0; sent < requests; sent += WAVE)
    await Promise.all(
      Array.from({ length: WAVE }, async (_, i) => {
        const target = [uint32(4194304 + ((sent + i) % 64)), uint32(i)]
        const connection = await open(firstMessage(CANCEL_REQUEST, Buffer.concat(target)))
        expect(await connection.bytes(1)).toBeUndefined()
        connection.close()
      }),
    )
  expect((await sleep).rows).toEqual([{ answer: 'slept' }])
  await session.end()
  await witness.check()
})

test('TLS is not negotiated again', async () => {
  const witness = await Witness.of(server)
  const raw = await open(firstMessage(SSL_REQUEST))
  expect((await raw.bytes(1))?.toString()).toBe('S')
  raw.socket.removeAllListeners('data')
  const socket = connectTls({ socket: raw.socket, maxVersion: 'TLSv1.2', rejectUnauthorized: false })
  await new Promise(resolve => socket.once('secureConnect', resolve))
  const outcome = await new Promise<Error | null>(resolve => {
    socket.once('error', resolve)
    socket.once('close', () => resolve(new Error('closed')))
    socket.renegotiate({ rejectUnauthorized: false }, error => resolve(error))
  })
  expect(outcome).toBeInstanceOf(Error)
  socket.destroy()
  await witness.check()
})

test('garbage in the middle of a COPY ends that session, and no other', async () => {
  const witness = await Witness.of(server)
  const connection = await open(
    startup('postgres'),
    query('create temp table t (a text)'),
    query('copy t from stdin'),
  )
  await connection.messagesUntil('G')
  connection.send(message('d', 'a row\n'), message('!', 'what?'))
  const messages = await connection.messagesUntil('none')
  expect(messages.some(({ type }) => type === 'E')).toBe(true)
  await witness.check()
})
