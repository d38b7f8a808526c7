import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { getPooler, type NativeTree } from '../../bench/native-tree.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

/** Milliseconds that it may take to install it, the first time. */
const INSTALLATION = 300_000

/** Debian's pgbouncer in front of the server: by TLS, with passwords, and by transactions. */
const server = useServer({ args: ['--tls-self-signed', '--max-connections', '12'] })

let tree: NativeTree
let folder: string
let pooler: ChildProcess
let port: number
let log = ''

beforeAll(async () => {
  const superuser = await server.connect()
  await superuser.query("create role app login password 'secret'; create table pooled (i int primary key)")
  await superuser.query('grant all on pooled to app')
  await superuser.end()
  port = await freePort()
  const pooled = await getPooler()
  tree = pooled.tree
  folder = tree.makeDirectory(`pgbouncer-${process.pid}`)
  const put = (name: string, text: string) =>
    writeFileSync(join(tree.root, folder, name), text, { mode: 0o644 })
  put('users.txt', `"app" "secret"\n`)
  put(
    'pgbouncer.ini',
    `[databases]
postgres = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users.txt
pool_mode = transaction
default_pool_size = 5
max_client_conn = 200
max_prepared_statements = 100
server_tls_sslmode = require
`,
  )
  pooler = tree.spawn(pooled.pgbouncer, [`${folder}/pgbouncer.ini`], { stdio: ['ignore', 'ignore', 'pipe'] })
  pooler.stderr!.on('data', text => {
    log += text
  })
  await until('pgbouncer listens', () => /process up/.test(log))
}, INSTALLATION)

afterAll(async () => {
  pooler.kill()
  await once(pooler, 'close')
  rmSync(join(tree.root, folder), { recursive: true })
})

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  listener.close()
  return port
}

const client = (password = 'secret') =>
  new pg.Client({ host: '127.0.0.1', port, user: 'app', database: 'postgres', password })

test('more clients than the server takes share its sessions, by TLS', async () => {
  const clients = Array.from({ length: 60 }, () => client())
  await Promise.all(clients.map(each => each.connect()))
  const answers = await Promise.all(
    clients.map(async (each, i) => {
      await each.query('begin')
      await each.query({ name: 'insert', text: 'insert into pooled values ($1)', values: [i] })
      const { rows } = await each.query(
        'select pg_backend_pid() as pid, ssl from pg_stat_ssl where pid = pg_backend_pid()',
      )
      await each.query('commit')
      return rows[0] as { pid: number; ssl: boolean }
    }),
  )
  expect(answers.every(({ ssl }) => ssl)).toBe(true)
  expect(new Set(answers.map(({ pid }) => pid)).size).toBeLessThanOrEqual(5)
  expect((await clients[0]!.query('select count(*)::int as n from pooled')).rows).toEqual([{ n: 60 }])
  await Promise.all(clients.map(each => each.end()))
})

test('a query is cancelled through it', async () => {
  const sleeper = client()
  await sleeper.connect()
  const failure = expect(sleeper.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
  const { processID, secretKey } = sleeper as never as { processID: number; secretKey: number }
  await until('it runs', async () => {
    const watcher = await server.connect()
    const { rows } = await watcher.query("select from pg_stat_activity where wait_event = 'PgSleep'")
    await watcher.end()
    return rows.length === 1
  })
  const canceller = new pg.Client({ host: '127.0.0.1', port }) as never as {
    connection: {
      connect(port: number, host: string): void
      cancel(pid: number, key: number): void
      on: NodeJS.EventEmitter['on']
    }
  }
  canceller.connection.on('connect', () => canceller.connection.cancel(processID, secretKey))
  canceller.connection.connect(port, '127.0.0.1')
  await failure
  await sleeper.end()
})
