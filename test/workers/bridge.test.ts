/** The bridge (`pglite-imports-server --remote`), from clients on this machine to a server in a Durable Object. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import pg from 'pg'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { commandLine } from '../fixtures/command.js'
import { connectionTo, machinePsql, type Program, program18, run } from '../fixtures/native-programs.js'
import {
  fieldsOf,
  firstMessage,
  message,
  PROTOCOL_3_0,
  query as queryMessage,
  RawConnection,
  SSL_REQUEST,
  startupMessage,
} from '../fixtures/raw-connection.js'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

/** As in database.ts, which only workerd can load. */
const PASSWORD = "it's a \\ 'secret'"

const runtime = useWorkerd()

class Bridge {
  output = ''
  log = ''
  port = 0
  readonly child: ChildProcess
  readonly clients: pg.Client[] = []

  static async start(url: string): Promise<Bridge> {
    const bridge = new Bridge(url)
    await until('the bridge listens', () => Promise.resolve(/ready: \S+:(\d+)\//.test(bridge.output)))
    bridge.port = Number(/ready: \S+:(\d+)\//.exec(bridge.output)![1])
    return bridge
  }

  private constructor(url: string) {
    this.child = spawn(process.execPath, [commandLine, '--remote', url, '-p', '0'], { stdio: 'pipe' })
    this.child.stdout!.on('data', text => {
      this.output += text
    })
    this.child.stderr!.on('data', text => {
      this.log += text
    })
  }

  async connect(config: pg.ClientConfig = {}): Promise<pg.Client> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.port,
      user: 'postgres',
      database: 'postgres',
      password: PASSWORD,
      ...config,
    })
    client.on('error', () => {})
    await client.connect()
    this.clients.push(client)
    return client
  }

  memory(): number {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readStatus(this.child.pid!))![1]) * 1024
  }

  async stop(): Promise<number | null> {
    const exited = once(this.child, 'exit')
    this.child.kill('SIGINT')
    return (await exited)[0]
  }
}

function readStatus(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8')
}

let bridge: Bridge
beforeAll(async () => {
  bridge = await Bridge.start(runtime.url('bridged'))
  return async () => expect(await bridge.stop()).toBe(0)
})

afterEach(async () => {
  await Promise.all(bridge.clients.splice(0).map(client => client.end().catch(() => {})))
})

test.each<[string, () => Promise<Program>]>([
  ["psql of the machine's Debian release", async () => machinePsql],
  ['psql 18', () => program18('psql')],
])('%s connects, with its password', async (_name, find) => {
  const psql = await find()
  const environment = { ...connectionTo(bridge), PGPASSWORD: PASSWORD }
  const good = await run(psql, ['-XAt', '-c', 'select current_user, 6 * 7'], environment)
  expect(good).toMatchObject({ code: 0, stdout: 'postgres|42\n' })
  const bad = await run(psql, ['-XAt', '-c', 'select 1'], { ...environment, PGPASSWORD: 'wrong' })
  expect(bad.stderr).toContain('password authentication failed for user "postgres"')
})

test('sessions are separate, and one is cancelled by a connection of its own', async () => {
  const a = await bridge.connect()
  const b = await bridge.connect()
  await a.query("set application_name = 'of a'")
  expect((await b.query('show application_name')).rows).not.toEqual([{ application_name: 'of a' }])
  const { rows } = await a.query('select pg_backend_pid() as pid')
  const busy = a.query('select count(*) from generate_series(1, 1000000000000)')
  await until('it is busy', async () => {
    const sql = "select from pg_stat_activity where pid = $1 and state = 'active'"
    return (await b.query(sql, [rows[0].pid])).rowCount === 1
  })
  // Queries by node-postgres' way of cancelling: a new connection with a CancelRequest.
  const canceller = new pg.Client({ host: '127.0.0.1', port: bridge.port }) as unknown as {
    cancel(client: unknown, query: unknown): void
  }
  canceller.cancel(a, (a as unknown as { activeQuery: unknown }).activeQuery)
  await expect(busy).rejects.toMatchObject({ code: '57014' })
  expect((await a.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a client that goes away rolls back', async () => {
  const a = await bridge.connect()
  await a.query('create table kept as select 1 as value')
  const leaver = await bridge.connect()
  await leaver.query('begin')
  await leaver.query('update kept set value = 2')
  ;(
    leaver as unknown as { connection: { stream: { resetAndDestroy(): void } } }
  ).connection.stream.resetAndDestroy()
  expect((await a.query('select value from kept for update')).rows).toEqual([{ value: 1 }])
})

test('a client that ends its stream gets all of its answer', async () => {
  const a = await bridge.connect()
  await a.query("alter role postgres set application_name = ''; create role half login")
  await a.query("set password_encryption = 'scram-sha-256'; alter role half password 'half'")
  const half = await bridge.connect({ user: 'half', password: 'half' })
  const { stream } = (half as unknown as { connection: { stream: Socket } }).connection
  let received = ''
  stream.on('data', text => {
    received += text
  })
  stream.end(queryMessage("select pg_sleep(0.2), repeat('x', 300000)"))
  await once(stream, 'close')
  expect(received.length).toBeGreaterThan(300_000)
  expect(received).toContain('SELECT 1')
})

const MEGABYTE = 1 << 20

test('input that PostgreSQL does not take waits at the client; nothing is lost', async () => {
  const a = await bridge.connect()
  await a.query('create table copied (line text); create table gate ()')
  await a.query('begin; lock gate')
  const before = bridge.memory()
  const writer = await bridge.connect()
  const { stream } = (writer as unknown as { connection: { stream: Socket } }).connection
  let received = ''
  stream.on('data', text => {
    received += text
  })
  const line = `${'x'.repeat(999)}\n`
  const copyData = message('d', line.repeat(64))
  stream.write(queryMessage('begin; lock gate; copy copied from stdin; commit'))
  const count = (16 * MEGABYTE) / (64 * line.length)
  for (let i = 0; i < count; i++) stream.write(copyData)
  const end = Buffer.from('c\0\0\0\x04')
  stream.write(end)
  // All that is held between client and backend: kernel buffers, the window, and nothing more.
  await until('the client is stopped', async () => {
    const held = stream.writableLength
    await new Promise(resolve => setTimeout(resolve, 200))
    return held > 0 && stream.writableLength === held
  })
  expect(stream.writableLength).toBeGreaterThan(4 * MEGABYTE)
  expect(bridge.memory() - before).toBeLessThan(12 * MEGABYTE)
  await a.query('commit')
  await until('it is done', () => Promise.resolve(received.includes('COMMIT')))
  const { rows } = await a.query('select count(*)::int as n, sum(length(line))::int as size from copied')
  expect(rows).toEqual([{ n: Math.ceil(count) * 64, size: Math.ceil(count) * 64 * 999 }])
}, 120_000)

/** What a client gets that asks for encryption and then for a session. */
async function refusal(port: number): Promise<Record<string, string>> {
  const client = await RawConnection.open(port)
  client.send(firstMessage(SSL_REQUEST))
  expect(String(await client.bytes(1))).toBe('N')
  client.send(startupMessage(PROTOCOL_3_0, { user: 'postgres' }))
  const answer = await client.message()
  expect(await client.message()).toBeUndefined()
  return fieldsOf(answer!)
}

test('a client of a server that does not exist, or is no PostgreSQL, gets an ErrorResponse; the next client connects anew', async () => {
  const http = createServer((_request, response) => response.writeHead(404).end('no such object\n'))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const lost = await Bridge.start(`ws://127.0.0.1:${port}/lost`)
  expect(await refusal(lost.port)).toMatchObject({
    S: 'FATAL',
    C: '08004',
    M: `there is no PostgreSQL at ws://127.0.0.1:${port}/lost: HTTP status 404 Not Found (no such object)`,
  })
  http.closeAllConnections()
  await new Promise(resolve => http.close(resolve))
  expect(await refusal(lost.port)).toMatchObject({ C: '08001', M: expect.stringContaining('ECONNREFUSED') })
  expect(lost.log).toContain('ECONNREFUSED')

  const back = new WebSocketServer({ host: '127.0.0.1', port })
  back.on('connection', socket => socket.once('message', () => socket.close(1011, 'out of order')))
  await once(back, 'listening')
  await expect(lost.connect()).rejects.toThrow()
  await until('it is told', () => Promise.resolve(lost.log.includes('out of order')))
  back.close()
  expect(await lost.stop()).toBe(0)
})

test('a URL that cannot be a server is refused at once', async () => {
  const child = spawn(process.execPath, [commandLine, '--remote', 'localhost:5432'], { stdio: 'pipe' })
  let text = ''
  child.stderr.on('data', chunk => {
    text += chunk
  })
  const [code] = await once(child, 'exit')
  expect([code, text]).toEqual([1, expect.stringContaining('it must be like wss://HOST/PATH')])
})
