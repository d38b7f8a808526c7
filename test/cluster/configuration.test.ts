/** What postgresql.conf says about a cluster is honoured, as far as no option says otherwise. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PostgresServer, type StartServerOptions, startServer } from '../../dist/server/index.js'

let folder: string
let dataDir: string
let port: number
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'configuration-test-'))
  dataDir = join(folder, 'data')
  port = await freePort()
  await (await startServer({ dataDir, port: 0 })).stop()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? address!.port : 0))
    })
  })
}

async function withServer(
  options: StartServerOptions,
  use: (server: PostgresServer, show: (name: string) => Promise<string>) => Promise<void>,
): Promise<void> {
  const server = await startServer({ dataDir, ...options })
  const client = new pg.Client({ stream: () => server.connect(), user: 'postgres' })
  await client.connect()
  try {
    await use(server, async name => (await client.query(`show ${name}`)).rows[0][name])
  } finally {
    await client.end()
    await server.stop()
  }
}

test('the addresses to listen on count, in included files and by ALTER SYSTEM', async () => {
  mkdirSync(join(dataDir, 'conf.d'))
  writeFileSync(
    join(dataDir, 'postgresql.conf'),
    "Listen_Addresses'127.0.0.1' # not localhost\nport 1\n\tio_method = worker\ninclude_dir 'conf.d'\n",
  )
  writeFileSync(join(dataDir, 'conf.d', '1.conf'), `unix_socket_directories = '/no''where' # no\nport=2`)
  writeFileSync(join(dataDir, 'conf.d', '2.conf'), `include_if_exists 'no.conf'\ninclude 'last'\n`)
  writeFileSync(join(dataDir, 'conf.d', 'last'), `unix_socket_directories = '${folder}'`)
  writeFileSync(join(dataDir, 'postgresql.auto.conf'), `port = '${port}'\n`)
  await withServer({}, async (server, show) => {
    expect([server.host, server.port]).toEqual(['127.0.0.1', port])
    expect(server.socketPath).toBe(join(folder, `.s.PGSQL.${port}`))
    expect([await show('io_method'), await show('port')]).toEqual(['worker', String(port)])
  })
})

test('options count more than the files, and the files more than defaults', async () => {
  const options = { host: 'localhost', port: 0, unixSocketDir: '', settings: { io_method: 'sync' } }
  writeFileSync(join(dataDir, 'postgresql.conf'), "work_mem = '7MB'\nio_method = worker\nport = 1\n")
  await withServer(
    { ...options, defaults: { work_mem: '8MB', temp_buffers: '9MB' } },
    async (server, show) => {
      expect(server.host).toBe('localhost')
      expect(server.port).toBeGreaterThan(1)
      expect(server.socketPath).toBeUndefined()
      expect([await show('io_method'), await show('work_mem')]).toEqual(['sync', '7MB'])
      expect(await show('temp_buffers')).toBe('9MB')
    },
  )
})

test('errors in the files are reported by PostgreSQL', async () => {
  writeFileSync(join(dataDir, 'postgresql.auto.conf'), '')
  writeFileSync(join(dataDir, 'postgresql.conf'), "work_mem = '7MB\n")
  await expect(startServer({ dataDir, port: 0 })).rejects.toThrow(/postgresql.conf" contains errors/)
})

test('all settings that there are can be given at once', async () => {
  writeFileSync(join(dataDir, 'postgresql.conf'), '')
  const settings = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`my.setting_${i}`, i]))
  await withServer({ port: 0, settings }, async (_, show) => {
    expect(await show('my.setting_199')).toBe('199')
  })
})
