/** PostgreSQL's protocol over WebSocket into an object: by the driver made for that, and byte by byte. */
import { once } from 'node:events'
import { Client, neonConfig, Pool } from '@neondatabase/serverless'
import { afterEach, expect, test } from 'vitest'
import WebSocket from 'ws'
import {
  firstMessage,
  message,
  PROTOCOL_3_0,
  query as queryMessage,
  SSL_REQUEST,
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

const clients: Client[] = []

async function connect(object: string, password: string | undefined, user = 'postgres'): Promise<Client> {
  const client = new Client({ host: object, user, password, database: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  // With pipelineConnect the driver takes itself for connected before it has heard anything.
  await client.query('')
  clients.push(client)
  return client
}

afterEach(async () => {
  neonConfig.pipelineConnect = 'password'
  await Promise.all(clients.splice(0).map(client => client.end().catch(() => {})))
})

const backends = async (object: string) =>
  (
    await runtime.query<{ n: number }>(
      object,
      'watcher',
      "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
    )
  )[0]!.n

test.each(['password', false] as const)(
  'the driver logs in with a password, pipelineConnect = %s',
  async pipelineConnect => {
    neonConfig.pipelineConnect = pipelineConnect
    const client = await connect('remote', PASSWORD)
    const { rows } = await client.query('select $1::int + 1 as two, current_user as user', [1])
    expect(rows).toEqual([{ two: 2, user: 'postgres' }])
    neonConfig.pipelineConnect = pipelineConnect
    await expect(connect('remote', 'wrong')).rejects.toMatchObject({ code: '28P01' })
    await expect(connect('remote', PASSWORD, 'nobody')).rejects.toMatchObject({ code: '28P01' })
  },
)

test('the password is kept as a SCRAM-SHA-256 verifier', async () => {
  const [row] = await runtime.query<{ rolpassword: string }>(
    'remote',
    'a',
    "select rolpassword from pg_authid where rolname = 'postgres'",
  )
  expect(row!.rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/)
})

test("a role's password by SQL does, and pg_hba.conf is in force", async () => {
  await runtime.query('remote', 'a', "create role app login password 'of app'")
  const client = await connect('remote', 'of app', 'app')
  expect((await client.query('select current_user as user')).rows).toEqual([{ user: 'app' }])
})

test('when no role has a password remote clients are refused, with the reason', async () => {
  await expect(connect('open', 'any')).rejects.toMatchObject({
    code: '28000',
    message: 'remote logins are refused: no role of this cluster has a password',
    hint: expect.stringContaining('ALTER ROLE'),
  })
})

test('a pg_hba.conf that trusts every client still lets none in without the password', async () => {
  const rules = "select unnest(array['local all all trust', 'host all all all trust'])"
  await runtime.query(
    'trusting?set=hba_file=/data/pg_hba.conf',
    'a',
    `copy (${rules}) to '/data/pg_hba.conf'; select pg_reload_conf()`,
  )
  // The file that was there has no rule for clients from elsewhere.
  await until('the rules are in force', () =>
    connect('trusting', PASSWORD).then(
      () => true,
      () => false,
    ),
  )
  await expect(connect('trusting', 'wrong')).rejects.toMatchObject({ code: '28P01' })
})

test('a pool has sessions of their own, and transactions hold', async () => {
  const pool = new Pool({ host: 'remote', user: 'postgres', password: PASSWORD, max: 3 })
  await pool.query('create table pooled (value int)')
  await Promise.all([1, 2, 3, 4, 5].map(value => pool.query('insert into pooled values ($1)', [value])))
  const session = await pool.connect()
  await session.query('begin')
  await session.query('delete from pooled')
  expect((await pool.query('select count(*)::int as n from pooled')).rows).toEqual([{ n: 5 }])
  await session.query('rollback')
  session.release()
  await pool.end()
})

/** A session byte by byte, by the superuser, without a password being asked for. */
async function raw(object: string, protocols: string[] = []): Promise<WebSocket> {
  const socket = new WebSocket(runtime.url(object), protocols, { perMessageDeflate: false })
  await once(socket, 'open')
  const password = message('p', `${PASSWORD}\0`)
  const startup = startupMessage(PROTOCOL_3_0, { user: 'postgres', database: 'postgres' })
  socket.send(Buffer.concat([startup, password]))
  const received = { size: 0, tail: '' }
  Object.assign(socket, { received })
  socket.on('message', (data: Buffer, binary) => {
    if (!binary) return
    received.size += data.length
    received.tail = (received.tail + data.toString('latin1')).slice(-2000)
  })
  await until('the session is ready', () => Promise.resolve(received.tail.endsWith('I')))
  return socket
}

const received = (socket: WebSocket) =>
  (socket as WebSocket & { received: { size: number; tail: string } }).received

test('a request for encryption is answered, and messages may be cut anywhere', async () => {
  const socket = new WebSocket(runtime.url('remote'))
  await once(socket, 'open')
  socket.send(firstMessage(SSL_REQUEST))
  const [answer] = await once(socket, 'message')
  expect(String(answer)).toBe('N')
  const startup = startupMessage(PROTOCOL_3_0, { user: 'postgres' })
  for (const byte of startup) socket.send(Buffer.of(byte))
  const [authentication] = await once(socket, 'message')
  expect(String(authentication)).toContain('SCRAM-SHA-256')
  socket.terminate()
})

test('a client that ends its stream is served to its end; the server closes with 1000', async () => {
  const socket = await raw('remote')
  socket.send(Buffer.concat([queryMessage('select pg_sleep(0.2); create table half_closed ()')]))
  socket.close()
  const [code] = await once(socket, 'close')
  expect(code).toBe(1000)
  expect(received(socket).tail).toContain('CREATE TABLE')
  expect(await runtime.query('remote', 'a', 'select from half_closed')).toEqual([])
})

test('when a client goes away its transaction is rolled back and its backend ends, whatever it was doing', async () => {
  await runtime.query('leaving', 'a', 'create table kept as select 1 as value')
  for (const way of ['terminate', 'going away'] as const) {
    const socket = await raw('leaving')
    socket.send(queryMessage('begin; update kept set value = 2'))
    await until('it is updated', () => Promise.resolve(received(socket).tail.endsWith('T')))
    if (way === 'terminate') socket.terminate()
    else socket.close(1001)
    expect(await runtime.query('leaving', 'b', 'select value from kept for update')).toEqual([{ value: 1 }])
  }
  await until('no backend is left', async () => (await backends('leaving')) === 2)
})

test('text is refused with 1003, an ended backend closes with 1000, a stopped server too', async () => {
  const talking = await raw('remote')
  talking.send('hello')
  expect((await once(talking, 'close'))[0]).toBe(1003)

  const ended = await raw('remote')
  const closed = once(ended, 'close')
  await runtime.query(
    'remote',
    'a',
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = '' and backend_type = 'client backend' and pid <> pg_backend_pid()",
  )
  expect((await closed)[0]).toBe(1000)
  expect(received(ended).tail).toContain('57P01')

  const last = await raw('stopped')
  const stopped = once(last, 'close')
  await runtime.do('stopped', { type: 'stop' })
  expect([1000, 1001]).toContain((await stopped)[0])
})

const MEGABYTE = 1 << 20

test('a result that the client does not read stops the backend, and memory stays', async () => {
  const socket = await raw('reading')
  const before = runtime.memory()
  socket.pause()
  socket.send(queryMessage('select repeat(md5(i::text), 512) from generate_series(1, 4000) i'))
  await until('the backend waits for its client', async () => {
    const sql = "select from pg_stat_activity where wait_event = 'ClientWrite'"
    return (await runtime.query('reading', 'watcher', sql)).length === 1
  })
  expect(runtime.memory() - before).toBeLessThan(40 * MEGABYTE)
  socket.resume()
  await until('all has come', () => Promise.resolve(received(socket).size > 62 * MEGABYTE))
  socket.close()
}, 120_000)

test('input that PostgreSQL does not take is kept up to a limit, beyond which the client is disconnected', async () => {
  await runtime.query('flooded', 'a', 'create table locked ()')
  await runtime.query('flooded', 'a', 'begin')
  await runtime.query('flooded', 'a', 'lock locked')
  const socket = await raw('flooded')
  const closed = once(socket, 'close')
  socket.send(queryMessage('begin; lock locked'))
  for (let i = 0; i < 20; i++) socket.send(Buffer.alloc(MEGABYTE - 1024))
  const [code, reason] = await closed
  expect([code, String(reason)]).toEqual([1009, expect.stringContaining('16 MiB')])
  await runtime.query('flooded', 'a', 'commit')
})
