/** Clients from outside that do not log in, or that log in too often, keep no other client out. */
import { once } from 'node:events'
import { Client, neonConfig } from '@neondatabase/serverless'
import { afterEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import { uint32 } from '../../wasm/protocol/bytes.js'
import {
  CANCEL_REQUEST,
  firstMessage,
  message,
  PROTOCOL_3_0,
  startupMessage,
} from '../fixtures/raw-connection.js'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

/** database.ts has it, which only workerd can load. */
const PASSWORD = "it's a \\ 'secret'"

const runtime = useWorkerd()

neonConfig.webSocketConstructor = WebSocket
neonConfig.useSecureWebSocket = false
neonConfig.wsProxy = host => new URL(runtime.url(host)).href.slice('ws://'.length)

interface Stranger {
  readonly socket: WebSocket
  /** All that the server has sent it. */
  heard: string
  /** The status that it was closed with. */
  closed: number | undefined
}

const strangers: Stranger[] = []
const clients: Client[] = []

afterEach(async () => {
  neonConfig.pipelineConnect = 'password'
  for (const { socket } of strangers.splice(0)) socket.terminate()
  await Promise.all(clients.splice(0).map(client => client.end().catch(() => {})))
})

async function stranger(object: string, ...says: Uint8Array[]): Promise<Stranger> {
  const socket = new WebSocket(runtime.url(object), { perMessageDeflate: false })
  const found: Stranger = { socket, heard: '', closed: undefined }
  strangers.push(found)
  socket.on('message', (data: Buffer) => {
    found.heard += data.toString('latin1')
  })
  socket.on('close', code => {
    found.closed = code
  })
  await once(socket, 'open')
  for (const bytes of says) socket.send(bytes)
  return found
}

const startup = (user: string) => startupMessage(PROTOCOL_3_0, { user, database: 'postgres' })

async function logIn(object: string, user = 'postgres', password = PASSWORD): Promise<Client> {
  const client = new Client({ host: object, user, password, database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  await client.query('')
  clients.push(client)
  return client
}

const backends = (object: string) =>
  runtime.query<{ n: number }>(
    object,
    'watcher',
    "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  )

test('clients that only send a startup packet keep no other client out, however many they are, and cost no backend', async () => {
  const many: Stranger[] = []
  for (let i = 0; i < 60; i++) many.push(await stranger('flooded', startup(`nobody ${i}`)))
  expect(await runtime.query('flooded', 'a', 'select 1 as one')).toEqual([{ one: 1 }])
  expect(await backends('flooded')).toEqual([{ n: 1 }])
  const client = await logIn('flooded')
  expect((await client.query('select 2 as two')).rows).toEqual([{ two: 2 }])
  // Those that came first had to go, and were told why.
  await until('the first are gone', async () => many[0]!.closed !== undefined)
  expect(many[0]).toMatchObject({ closed: 1013, heard: expect.stringContaining('C53300') })
  expect(many.at(-1)!.closed).toBeUndefined()
})

test('a client that does not log in is disconnected after ten seconds', async () => {
  const silent = await stranger('slow')
  const asked = await stranger('slow', startup('postgres'))
  const begun = performance.now()
  await Promise.all([once(silent.socket, 'close'), once(asked.socket, 'close')])
  expect(performance.now() - begun).toBeGreaterThan(5000)
  for (const { closed, heard } of [silent, asked]) {
    expect(closed).toBe(1008)
    expect(heard).toContain('Mcanceling authentication due to timeout')
  }
})

test('a client without the password costs no backend, and is not told which roles exist', async () => {
  await runtime.query(
    'asked',
    'a',
    "create role known login password 'secret'; create role passwordless login",
  )
  const challenges: string[] = []
  for (const user of ['known', 'passwordless', 'unknown']) {
    const salts = new Set<string>()
    for (let i = 0; i < 2; i++) {
      const { socket, heard } = await stranger('asked', startup(user))
      const first = await said(strangers.at(-1)!, heard, 'SCRAM-SHA-256')
      const initial = Buffer.from('n,,n=,r=abcdefghijklmnopqrstuvwx')
      socket.send(message('p', Buffer.from('SCRAM-SHA-256\0'), uint32(initial.length), initial))
      const challenge = await said(strangers.at(-1)!, first, 'i=4096')
      const [, nonce, salt] = /r=([^,]+),s=([^,]+),i=4096/.exec(challenge)!
      salts.add(salt!)
      expect(Buffer.from(salt!, 'base64').length).toBe(16)
      socket.send(message('p', Buffer.from(`c=biws,r=${nonce},p=${Buffer.alloc(32).toString('base64')}`)))
      const refusal = await said(strangers.at(-1)!, challenge, '28P01')
      expect(refusal).toContain(`password authentication failed for user "${user}"`)
    }
    expect(salts.size).toBe(1)
    challenges.push(...salts)
    await expect(logIn('asked', user, 'wrong')).rejects.toMatchObject({ code: '28P01' })
  }
  expect(new Set(challenges).size).toBe(3)
  const [row] = await runtime.query<{ salt: string }>(
    'asked',
    'a',
    "select split_part(split_part(rolpassword, ':', 2), '$', 1) as salt from pg_authid where rolname = 'known'",
  )
  expect(challenges[0]).toBe(row!.salt)
  expect(await backends('asked')).toEqual([{ n: 1 }])
})

/** Resolves with all that the stranger has heard once there is something new with these words in it. */
async function said(from: Stranger, before: string, words: string): Promise<string> {
  await until(`the server says ${words}`, async () => from.heard.slice(before.length).includes(words))
  return from.heard
}

test('a changed password counts at once, and PostgreSQL still decides', async () => {
  const sql = (text: string) => runtime.query('changing', 'a', text)
  for (const pipelineConnect of ['password', false] as const) {
    neonConfig.pipelineConnect = pipelineConnect
    await sql("create role app login password 'first'")
    await logIn('changing', 'app', 'first')
    await sql("alter role app password 'second'")
    await expect(logIn('changing', 'app', 'first')).rejects.toMatchObject({ code: '28P01' })
    await logIn('changing', 'app', 'second')
    await sql("alter role app valid until '2020-01-01'")
    await expect(logIn('changing', 'app', 'second')).rejects.toMatchObject({ code: '28P01' })
    await sql("alter role app valid until 'infinity' nologin")
    await expect(logIn('changing', 'app', 'second')).rejects.toMatchObject({ code: '28000' })
    await sql('drop role app')
  }
})

test('garbage and cancel requests with wrong secrets cost no session', async () => {
  const nonsense = [
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.concat([uint32(4096), uint32(0x20000)]),
    uint32(7),
    startupMessage(PROTOCOL_3_0, { database: 'postgres' }),
  ]
  for (const bytes of nonsense) {
    const { socket } = await stranger('babel', bytes)
    if (strangers.at(-1)!.closed === undefined) await once(socket, 'close')
    expect(strangers.at(-1)!.heard).toMatch(/C(08P01|28000)/)
  }
  const requests = await Promise.all(
    Array.from({ length: 30 }, () =>
      stranger('babel', firstMessage(CANCEL_REQUEST, Buffer.concat([uint32(1), uint32(2)]))),
    ),
  )
  await until('all are done', async () => requests.every(({ closed }) => closed === 1000))
  expect(await runtime.query('babel', 'a', 'select 1 as one')).toEqual([{ one: 1 }])
})

test('a query by WebSocket is cancelled by another WebSocket', async () => {
  const client = await logIn('cancelled')
  const [{ pid, secret }] = [client as unknown as { processID: number; secretKey: number }].map(
    ({ processID, secretKey }) => ({ pid: processID, secret: secretKey }),
  ) as [{ pid: number; secret: number }]
  const query = client.query('select pg_sleep(60)')
  // A request that comes before the query has begun cancels nothing, as everywhere in PostgreSQL.
  await until('the query is being executed', async () => {
    const waiting = `select from pg_stat_activity where pid = ${pid} and wait_event = 'PgSleep'`
    return (await runtime.query('cancelled', 'watcher', waiting)).length > 0
  })
  await stranger('cancelled', firstMessage(CANCEL_REQUEST, Buffer.concat([uint32(pid), uint32(secret)])))
  await expect(query).rejects.toMatchObject({ code: '57014' })
})

test('clients that log in leave room for the object itself; those for whom none is left are told why', async () => {
  const outcomes = []
  for (let i = 0; i < 20; i++)
    outcomes.push(
      await logIn('full').then(
        () => 'served',
        error => error.code,
      ),
    )
  expect(outcomes.filter(outcome => outcome === 'served').length).toBeGreaterThanOrEqual(4)
  expect(new Set(outcomes)).toEqual(new Set(['served', expect.stringMatching(/^(53300|53200)$/)]))
  for (const session of ['a', 'b'])
    expect(await runtime.query('full', session, 'select 1 as one')).toEqual([{ one: 1 }])
})
