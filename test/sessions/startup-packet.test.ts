import { afterEach, expect, test } from 'vitest'
import {
  columnsOf,
  fieldsOf,
  firstMessage,
  GSSENC_REQUEST,
  type Message,
  message,
  PROTOCOL_3_0,
  PROTOCOL_3_2,
  query,
  RawConnection,
  SSL_REQUEST,
  startupMessage,
} from '../fixtures/raw-connection.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer()
const user = { user: 'postgres', database: 'postgres' }

const opened: RawConnection[] = []
afterEach(() => {
  for (const connection of opened.splice(0)) connection.close()
})

async function open(): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port)
  opened.push(connection)
  return connection
}

/** What the server says to a first message, up to ReadyForQuery or its end of the connection. */
async function answersTo(first: Buffer): Promise<Message[]> {
  const connection = await open()
  connection.send(first)
  return connection.messagesUntil('Z')
}

function typesOf(messages: Message[]): string {
  return messages.map(({ type }) => type).join('')
}

test.each([
  ['SSLRequest', SSL_REQUEST],
  ['GSSENCRequest', GSSENC_REQUEST],
])('%s is answered with N, and the same connection goes on in the clear', async (_, code) => {
  const connection = await open()
  connection.send(firstMessage(code))
  expect(await connection.bytes(1)).toEqual(Buffer.from('N'))
  connection.send(startupMessage(PROTOCOL_3_0, user))
  expect(typesOf(await connection.messagesUntil('Z'))).toMatch(/^RS+KZ$/)
})

test('SSLRequest after GSSENCRequest, as libpq does, is answered with N each', async () => {
  const connection = await open()
  for (const code of [GSSENC_REQUEST, SSL_REQUEST]) {
    connection.send(firstMessage(code))
    expect(await connection.bytes(1)).toEqual(Buffer.from('N'))
  }
  connection.send(startupMessage(PROTOCOL_3_0, user))
  expect(typesOf(await connection.messagesUntil('Z'))).toMatch(/^RS+KZ$/)
})

test('protocol 3.0 gets a secret of 4 bytes, 3.2 one of 32', async () => {
  for (const [version, length] of [
    [PROTOCOL_3_0, 4],
    [PROTOCOL_3_2, 32],
  ] as const) {
    const messages = await answersTo(startupMessage(version, user))
    expect(typesOf(messages)).toMatch(/^RS+KZ$/)
    expect(messages.find(({ type }) => type === 'K')!.body.length).toBe(4 + length)
  }
})

test('a later minor version is negotiated down to 3.2', async () => {
  const messages = await answersTo(startupMessage(0x3270f, user))
  const negotiation = messages.find(({ type }) => type === 'v')!
  expect(negotiation.body.readInt32BE(0)).toBe(PROTOCOL_3_2)
  expect(negotiation.body.readInt32BE(4)).toBe(0)
  expect(typesOf(messages)).toMatch(/^vRS+KZ$/)
})

test('protocol options that are unknown are named, and the session starts', async () => {
  const messages = await answersTo(
    startupMessage(PROTOCOL_3_0, { ...user, '_pq_.one': '1', '_pq_.two': '2' }),
  )
  const negotiation = messages.find(({ type }) => type === 'v')!
  expect(negotiation.body.readInt32BE(4)).toBe(2)
  expect(negotiation.body.toString('utf8', 8)).toBe('_pq_.one\0_pq_.two\0')
  expect(typesOf(messages)).toMatch(/^vRS+KZ$/)
})

test('a protocol of another major version is refused with 0A000', async () => {
  const messages = await answersTo(startupMessage(0x40000, user))
  expect(typesOf(messages)).toBe('E')
  expect(fieldsOf(messages[0]!)).toMatchObject({ S: 'FATAL', C: '0A000' })
})

test('a startup packet without a user is refused with 28000', async () => {
  const messages = await answersTo(startupMessage(PROTOCOL_3_0, { database: 'postgres' }))
  expect(fieldsOf(messages.at(-1)!)).toMatchObject({ S: 'FATAL', C: '28000' })
})

test('an unknown setting in the startup packet is refused, and a known one takes effect', async () => {
  const refusal = await answersTo(startupMessage(PROTOCOL_3_0, { ...user, no_such_setting: '1' }))
  expect(fieldsOf(refusal.at(-1)!)).toMatchObject({ S: 'FATAL', C: '42704' })

  const connection = await open()
  connection.send(startupMessage(PROTOCOL_3_0, { ...user, DateStyle: 'German', application_name: 'raw' }))
  const start = await connection.messagesUntil('Z')
  const status = start.filter(({ type }) => type === 'S').map(({ body }) => body.toString().split('\0'))
  expect(status).toContainEqual(['DateStyle', 'German, DMY', ''])
  expect(status).toContainEqual(['application_name', 'raw', ''])
  expect(status).toContainEqual(['server_version', expect.stringMatching(/^18\./), ''])
})

test('a startup packet may come byte by byte', async () => {
  const connection = await open()
  connection.socket.setNoDelay()
  for (const byte of startupMessage(PROTOCOL_3_0, user)) {
    connection.send(Buffer.from([byte]))
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(typesOf(await connection.messagesUntil('Z'))).toMatch(/^RS+KZ$/)
})

test('a query may come together with the startup packet', async () => {
  const connection = await open()
  connection.send(startupMessage(PROTOCOL_3_0, user), query("select 'early'"), message('X'))
  await connection.messagesUntil('Z')
  const messages = await connection.messagesUntil('Z')
  expect(typesOf(messages)).toBe('TDCZ')
  expect(columnsOf(messages[1]!)).toEqual(['early'])
  expect(await connection.message()).toBeUndefined()
})

test.each([
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['a TLS ClientHello', Buffer.from('16030100c8010000c40303', 'hex')],
  ['a length of zero', Buffer.alloc(8)],
  ['a negative length', Buffer.from('ffffffff00030000', 'hex')],
  ['a length beyond any packet', Buffer.from('7fffffff00030000', 'hex')],
  ['parameters without an end', firstMessage(PROTOCOL_3_0, Buffer.from('user\0postgres'))],
  ['nothing', Buffer.alloc(0)],
])('%s instead of a startup packet harms no session', async (_, bytes) => {
  const connection = await open()
  connection.socket.end(bytes)
  for (const { type } of await connection.messagesUntil('Z')) expect(type).toBe('E')
  const client = await server.connect()
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a client that sends nothing is disconnected after authentication_timeout', async () => {
  const client = await server.connect()
  await client.query("alter system set authentication_timeout = '1s'")
  await client.query('select pg_reload_conf()')
  await until('the setting holds', async () => {
    const { rows } = await (await server.connect()).query('show authentication_timeout')
    return rows[0].authentication_timeout === '1s'
  })
  const connection = await open()
  expect(await connection.message()).toBeUndefined()
  await client.query('alter system reset authentication_timeout')
  await client.query('select pg_reload_conf()')
})

test('a garbled message ends its session with 08P01, and no other', async () => {
  const other = await server.connect()
  const connection = await open()
  connection.send(startupMessage(PROTOCOL_3_0, user))
  await connection.messagesUntil('Z')
  connection.send(message('!', 'what?'))
  const messages = await connection.messagesUntil('Z')
  expect(fieldsOf(messages[0]!)).toMatchObject({ S: 'FATAL', C: '08P01' })
  expect((await other.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a replication connection speaks the replication commands', async () => {
  const connection = await open()
  connection.send(startupMessage(PROTOCOL_3_0, { ...user, replication: 'database' }))
  await connection.messagesUntil('Z')
  connection.send(query('IDENTIFY_SYSTEM'))
  const messages = await connection.messagesUntil('Z')
  const row = columnsOf(messages.find(({ type }) => type === 'D')!)
  expect(row).toEqual([
    expect.stringMatching(/^\d+$/),
    '1',
    expect.stringMatching(/^0\/[0-9A-F]+$/),
    'postgres',
  ])
})
