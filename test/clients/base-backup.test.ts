/** pg_basebackup of this package with its options, of this server and of native PostgreSQL. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startServer } from '../../dist/server/index.js'
import { dist } from '../../wasm/build/paths.js'
import { connectionTo, type Outcome, run } from '../fixtures/native-programs.js'
import { startNativeServer } from '../fixtures/native-server.js'
import { ServerProcess } from '../fixtures/server.js'

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'base-backup-'))
afterAll(() => rmSync(folder, { recursive: true }))

const program = (name: string) => (args: string[], env: NodeJS.ProcessEnv) =>
  spawn(join(dist, 'commands', name), args, { cwd: folder, env: { ...process.env, ...env } })

const SETTINGS = { summarize_wal: 'on', wal_level: 'replica', max_wal_senders: '10' }

const KINDS = {
  'this server': async () => {
    const server = await ServerProcess.start({
      args: Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    })
    return { port: server.port, connect: () => server.connect(), stop: () => server.stop('SIGQUIT') }
  },
  'native PostgreSQL': async () => {
    const server = await startNativeServer(SETTINGS)
    return { port: server.port, connect: () => server.connect(), stop: () => server.stop() }
  },
}

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('of %s', kind => {
  let server: Awaited<ReturnType<(typeof KINDS)[typeof kind]>>
  beforeAll(async () => {
    server = await KINDS[kind]()
    const client = await server.connect()
    await client.query('create table backed as select generate_series(1, 1000) as i')
  }, 60_000)
  afterAll(() => server?.stop())

  const target = (name: string) => join(folder, `${kind.split(' ')[0]}-${name}`)
  async function backup(name: string, ...args: string[]): Promise<Outcome & { path: string }> {
    const path = target(name)
    const done = await run(
      program('pg_basebackup'),
      ['-D', path, '--checkpoint=fast', ...args],
      connectionTo(server),
    )
    return { ...done, path }
  }
  const fine = { code: 0, stderr: '' }

  /** Starts a server on it and reads its table. */
  async function rowsIn(dataDir: string): Promise<string> {
    const copy = await startServer({ dataDir, port: 0, settings: { hot_standby: 'on' } })
    try {
      const { stdout } = await run(
        program('psql'),
        ['-XAtc', 'select count(*) from backed'],
        connectionTo(copy),
      )
      return stdout
    } finally {
      await copy.stop('immediate')
    }
  }

  test('without options, which streams WAL by a slot of its own while a client writes', async () => {
    const client = await server.connect()
    let writing = true
    const written = (async () => {
      while (writing)
        await client.query(
          'create table noise as select repeat(md5(i::text), 9) from generate_series(1, 2000) i; drop table noise',
        )
    })()
    const done = await backup('plain')
    writing = false
    await written
    expect(done).toMatchObject(fine)
    expect(readdirSync(join(done.path, 'pg_wal')).filter(name => /^[0-9A-F]{24}$/.test(name))).not.toEqual([])
    expect((await run(program('pg_verifybackup'), ['-n', done.path], {})).code).toBe(0)
    expect(await rowsIn(done.path)).toBe('1000\n')
    const { rows } = await client.query('select slot_name from pg_replication_slots')
    expect(rows).toEqual([])
  })

  // What is up to the server's side of it is tried with this server only.
  const PLAIN = [
    ['fetch', ['-X', 'fetch']],
    ['none', ['-X', 'none']],
    ['no-slot', ['--no-slot', '--no-manifest', '--no-sync']],
    ['rate', ['--max-rate', '900M', '--label', 'a label', '--manifest-checksums', 'sha256']],
    ['server-gzip', ['--compress=server-gzip:1', '-X', 'fetch']],
    ['server-zstd', ['--compress=server-zstd', '-X', 'stream']],
    ['server-lz4', ['--compress=server-lz4']],
  ] as const
  test.each(kind === 'this server' ? PLAIN : [])('%s', async (name, args) => {
    const done = await backup(name, ...args)
    expect({
      ...done,
      stderr: done.stderr.replace(/^NOTICE: +WAL archiving is not enabled;.*\n/, ''),
    }).toMatchObject(fine)
    expect(readFileSync(join(done.path, 'PG_VERSION'), 'utf8')).toBe('18\n')
  })

  const TAR = [
    ['tar-gzip', ['-Ft', '-z'], ['base.tar.gz', 'pg_wal.tar.gz']],
    ['tar', ['-Ft', '-X', 'stream'], ['base.tar', 'pg_wal.tar']],
    ['tar-zstd', ['-Ft', '--compress=client-zstd:5'], ['base.tar.zst', 'pg_wal.tar']],
    ['tar-lz4', ['-Ft', '--compress=lz4'], ['base.tar.lz4', 'pg_wal.tar']],
    ['tar-server-gzip', ['-Ft', '--compress=server-gzip', '-X', 'fetch'], ['base.tar.gz', 'backup_manifest']],
  ] as const
  test.each(kind === 'this server' ? TAR : TAR.slice(0, 1))('%s', async (name, args, files) => {
    const done = await backup(name, ...args)
    expect(done).toMatchObject(fine)
    expect(readdirSync(done.path)).toEqual(expect.arrayContaining([...files]))
    if (name !== 'tar-gzip') return
    for (const file of files) expect(gunzipSync(readFileSync(join(done.path, file))).length % 512).toBe(0)
  })

  test('with progress, a slot that it makes, and what makes a standby', async () => {
    const done = await backup('standby', '--progress', '--verbose', '--slot', 'kept', '--create-slot', '-R')
    expect(done.code).toBe(0)
    expect(done.stderr).toMatch(/created replication slot "kept"/)
    expect(done.stderr).toMatch(/\d+\/\d+ kB \(100%\), 1\/1 tablespace/)
    expect(existsSync(join(done.path, 'standby.signal'))).toBe(true)
    expect(readFileSync(join(done.path, 'postgresql.auto.conf'), 'utf8')).toMatch(
      /primary_slot_name = 'kept'/,
    )
    const client = await server.connect()
    await client.query("select pg_drop_replication_slot('kept')")
  })

  test('to its standard output, of a tablespace, to elsewhere for WAL, and nowhere', async () => {
    const out = await run(
      program('pg_basebackup'),
      ['-D', '-', '-Ft', '-X', 'fetch', '-c', 'fast'],
      connectionTo(server),
    )
    expect(out).toMatchObject(fine)
    expect(out.stdout.length).toBeGreaterThan(1_000_000)
    const wal = target('elsewhere')
    mkdirSync(wal)
    expect(await backup('linked', '--waldir', wal)).toMatchObject(fine)
    expect(readdirSync(wal).length).toBeGreaterThan(0)
    const nowhere = ['-t', 'blackhole', '-X', 'fetch', '-c', 'fast']
    expect(await run(program('pg_basebackup'), nowhere, connectionTo(server))).toMatchObject(fine)
  })

  test('incremental', async () => {
    const full = await backup('full')
    expect(full).toMatchObject(fine)
    const client = await server.connect()
    await client.query('insert into backed values (0)')
    const more = await backup('more', '--incremental', join(full.path, 'backup_manifest'))
    expect(more).toMatchObject(fine)
    const combined = target('combined')
    expect((await run(program('pg_combinebackup'), [full.path, more.path, '-o', combined], {})).code).toBe(0)
    expect(await rowsIn(combined)).toBe('1001\n')
  })

  test('what it cannot do is refused in a line, and leaves nothing', async () => {
    const client = await server.connect()
    await client.query("select pg_create_physical_replication_slot('taken')")
    const done = await backup('refused', '--slot', 'taken', '--create-slot')
    expect(done.code).toBe(1)
    expect(done.stderr).toMatch(/error: .*replication slot "taken" already exists/)
    expect(existsSync(done.path)).toBe(false)
    await client.query("select pg_drop_replication_slot('taken')")
  })
})
