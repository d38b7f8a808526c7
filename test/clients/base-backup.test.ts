/** pg_basebackup of this package with its options, of this server and of native PostgreSQL. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { getNativeTree } from '../../bench/native-tree.js'
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

/** A server, and a way to make empty directories for its tablespaces. */
const KINDS = {
  'this server': async () => {
    const spaces = join(folder, 'spaces')
    mkdirSync(spaces)
    const server = await ServerProcess.start({
      args: [
        ...['--allow-dir', spaces],
        ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ],
    })
    const space = (name: string) => {
      mkdirSync(join(spaces, name))
      return join(spaces, name)
    }
    return { port: server.port, connect: () => server.connect(), stop: () => server.stop('SIGQUIT'), space }
  },
  'native PostgreSQL': async () => {
    const tree = await getNativeTree()
    const made: string[] = []
    const server = await startNativeServer(SETTINGS)
    const space = (name: string) => {
      made.push(tree.makeDirectory(`space-${process.pid}-${name}`))
      return made.at(-1)!
    }
    const stop = async () => {
      await server.stop()
      for (const directory of made) tree.removeDirectory(directory)
    }
    return { port: server.port, connect: () => server.connect(), stop, space }
  },
}

/** Where the tablespaces of a cluster are, in the order of their names. */
const linksIn = (dataDir: string) =>
  readdirSync(join(dataDir, 'pg_tblspc'))
    .map(name => readlinkSync(join(dataDir, 'pg_tblspc', name)))
    .sort()

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

  /** Starts a server on it and counts the rows of a table. */
  async function rowsIn(dataDir: string, table = 'backed'): Promise<string> {
    const copy = await startServer({ dataDir, port: 0, settings: { hot_standby: 'on' } })
    try {
      const { stdout } = await run(
        program('psql'),
        ['-XAtc', `select count(*) from ${table}`],
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

  test('to its standard output, to elsewhere for WAL, and nowhere', async () => {
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

  test('of tablespaces, which -T puts elsewhere, also from an incremental backup', async () => {
    const client = await server.connect()
    const spaces = ['space', 'with=sign'].map(name => ({ name, path: server.space(name) }))
    for (const { name, path } of spaces) {
      await client.query(`create tablespace "${name}" location '${path}'`)
      await client.query(
        `create table "in ${name}" tablespace "${name}" as select generate_series(1, 1000) as i`,
      )
    }
    const inBackup = (backup: string, name: string) => `${target(backup)}-${name}`
    /** The arguments that put each tablespace beside a backup. */
    const mappings = (backup: string, from: (space: (typeof spaces)[number]) => string) =>
      spaces.flatMap(space => {
        const paths = [from(space), inBackup(backup, space.name)]
        return ['-T', paths.map(path => path.replaceAll('=', '\\=')).join('=')]
      })
    const full = await backup('spaces', ...mappings('spaces', ({ path }) => path))
    expect(full).toMatchObject(fine)
    expect(linksIn(full.path)).toEqual(spaces.map(({ name }) => inBackup('spaces', name)).sort())
    expect((await run(program('pg_verifybackup'), ['-n', full.path], {})).code).toBe(0)

    for (const { name } of spaces) await client.query(`insert into "in ${name}" values (0)`)
    const more = await backup(
      'more-spaces',
      ...['--incremental', join(full.path, 'backup_manifest')],
      ...mappings('more-spaces', ({ path }) => path),
    )
    expect(more).toMatchObject(fine)
    const combined = target('combined-spaces')
    const moved = mappings('combined-spaces', ({ name }) => inBackup('more-spaces', name))
    expect(
      await run(program('pg_combinebackup'), [full.path, more.path, '-o', combined, ...moved], {}),
    ).toMatchObject(fine)
    expect(linksIn(combined)).toEqual(spaces.map(({ name }) => inBackup('combined-spaces', name)).sort())
    for (const { name } of spaces) expect(await rowsIn(combined, `"in ${name}"`)).toBe('1001\n')

    // What is there already stays, and what the backup has begun goes.
    const refused = await backup('refused-spaces', ...mappings('spaces', ({ path }) => path))
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/exists but is not empty/) })
    expect(existsSync(refused.path)).toBe(false)
    expect(readdirSync(inBackup('spaces', 'space'))).not.toEqual([])
    for (const { name } of spaces)
      await client.query(`drop table "in ${name}"`).then(() => client.query(`drop tablespace "${name}"`))
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
