/** PostgreSQL's programs of this package, under their own names. */
import { spawn } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { getNativeTree } from '../../bench/native-tree.js'
import { startServer } from '../../dist/server/index.js'
import { dist, repository } from '../../wasm/build/paths.js'
import { Command } from '../fixtures/command.js'
import { connectionTo, type Outcome, program18, run } from '../fixtures/native-programs.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

vi.setConfig({ testTimeout: 120_000 })

const folder = mkdtempSync(join(tmpdir(), 'programs-'))
afterAll(() => rmSync(folder, { recursive: true }))

const commands = join(dist, 'commands')
const names = readdirSync(commands).filter(name => !name.endsWith('.cmd'))

const program = (name: string) => (args: string[], env: NodeJS.ProcessEnv) =>
  spawn(join(commands, name), args, { cwd: folder, env: { ...process.env, ...env } })

test('npm installs all of them under their names', () => {
  const { bin } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
  const { 'pglite-imports-server': _, ...others } = bin
  expect(others).toEqual(Object.fromEntries(names.map(name => [name, `wasm/dist/commands/${name}`])))
})

test.each(names)('%s tells its version', async name => {
  const { postgresql } = JSON.parse(readFileSync(join(dist, 'manifest.json'), 'utf8'))
  expect(await run(program(name), ['--version'], {})).toEqual({
    code: 0,
    stdout: `${name} (PostgreSQL) ${postgresql}\n`,
    stderr: '',
  })
})

describe('on a running server', () => {
  const server = useServer({ args: ['-c', 'summarize_wal=on', '-c', 'wal_keep_size=64MB'] })
  const on = async (name: string, ...args: string[]): Promise<Outcome> => {
    const done = await run(program(name), args, connectionTo(server))
    expect([done.code, done.stderr.replace(/^.*(NOTICE|warning):.*$/gm, '').trim()], name).toEqual([
      0,
      expect.not.stringContaining('error'),
    ])
    return done
  }

  test('databases and roles are made, vacuumed, indexed anew and dropped', async () => {
    expect((await on('pg_isready')).stdout).toContain('accepting connections')
    await on('createuser', '--superuser', 'an admin')
    await on('createdb', '--owner', 'an admin', 'a shop')
    const client = await server.connect({ database: 'a shop' })
    await client.query(
      'create table item (id int primary key, name text); insert into item values (1, $$pen$$)',
    )
    await on('vacuumdb', '--all', '--analyze', '--jobs', '2')
    await on('reindexdb', 'a shop')
    await on('clusterdb', 'a shop')
    const { rows } = await client.query(
      `select last_analyze is not null as analyzed from pg_stat_user_tables`,
    )
    expect(rows).toEqual([{ analyzed: true }])
    expect((await on('psql', '-Atc', 'table item', 'a shop')).stdout).toBe('1|pen\n')
    await client.end()
    await on('dropdb', 'a shop')
    await on('dropuser', 'an admin')
  })

  test('pg_dumpall writes roles and all databases, which psql restores elsewhere', async () => {
    const client = await server.connect()
    await client.query(`create role "O'Neil" login`)
    await client.query('create database "first ""one"""')
    await client.query('create table kept as select i from generate_series(1, 3) i')
    const { stdout } = await on('pg_dumpall')
    const file = join(folder, 'all.sql')
    writeFileSync(file, stdout)
    const other = await startServer({ port: 0 })
    try {
      const restored = await run(program('psql'), ['-X', '-q', '-f', file], connectionTo(other))
      expect(restored.stderr.replace(/^.*role "postgres" already exists\n/m, '')).toBe('')
      const query = `select rolname || ' ' || datname || ' ' || (select sum(i) from kept) from pg_roles, pg_database where rolname ~ 'Neil' and datname ~ 'first'`
      const told = await run(program('psql'), ['-XAtc', query], connectionTo(other))
      expect(told.stdout).toBe(`O'Neil first "one" 6\n`)
    } finally {
      await other.stop()
    }
  })

  test('pg_dump and pg_restore take all formats and compressions', async () => {
    const client = await server.connect()
    for (const name of ['dumped', 'restored']) await client.query(`create database ${name}`)
    const dumped = await server.connect({ database: 'dumped' })
    await dumped.query(`create table t as select i, repeat('text', i) as s from generate_series(1, 100) i`)
    await dumped.end()
    for (const options of [
      ...['gzip', 'lz4', 'zstd', 'none'].map(method => ['-Fc', `--compress=${method}`]),
      ...[['-Fd', '--compress=gzip'], ['-Ft']],
    ]) {
      const file = join(folder, `dump${options.join('')}`)
      await on('pg_dump', ...options, '-f', file, 'dumped')
      await on('pg_restore', '--clean', '--if-exists', '-d', 'restored', file)
      const restored = await on('psql', '-XAtc', 'select count(*), sum(length(s)) from t', 'restored')
      expect(restored.stdout).toBe('100|20200\n')
    }
  })

  test('pgbench measures', async () => {
    await on('pgbench', '-i', '-q')
    expect((await on('pgbench', '-c', '4', '-t', '5', '-n')).stdout).toMatch(
      /number of transactions actually processed: 20\/20/,
    )
  })

  test('programs that would start threads or workers for -j say that they do with one, and do', async () => {
    const files = join(folder, 'parallel')
    const client = await server.connect()
    await client.query('create database wide')
    const wide = await server.connect({ database: 'wide' })
    for (const name of ['one', 'two', 'three']) await wide.query(`create table ${name} as select 1 as i`)
    const warned = async (name: string, ...args: string[]) => {
      const done = await on(name, ...args)
      expect(done.stderr).toMatch(/^\w+: warning: .* are not supported on this platform, using one$/m)
      return done
    }
    await warned('pg_dump', '-j', '3', '-Fd', '-f', files, 'wide')
    await wide.query('drop table one, two, three')
    await warned('pg_restore', '-j', '3', '-d', 'wide', files)
    expect((await wide.query('select * from one, two, three')).rowCount).toBe(1)
    writeFileSync(join(folder, 'one.sql'), 'select 1;\n')
    const measured = await warned('pgbench', '-n', '-c', '4', '-j', '2', '-t', '5', '-f', 'one.sql')
    expect(measured.stdout).toMatch(/number of threads: 1\n/)
    await wide.end()
    for (const name of ['pg_dump', 'pg_restore', 'pgbench'])
      expect((await on(name, '--help')).stdout).toContain(`With -j this build of ${name} warns and uses one `)
    expect((await on('vacuumdb', '--help')).stdout).not.toContain('this build')
  })

  test('directories of pg_dump -j are whole: native programs restore ours with workers, and we theirs', async () => {
    const tree = await getNativeTree()
    const scratch = tree.makeDirectory(`dumps-${process.pid}`)
    const client = await server.connect()
    await client.query('create database several')
    const several = await server.connect({ database: 'several' })
    await several.query(`create table a (id int primary key, s text);
      insert into a select i, repeat('é', i % 500) from generate_series(1, 20000) i;
      create table b (id int references a, n numeric);
      insert into b select i, i / 7.0 from generate_series(1, 5000) i; create index on b (n);
      create materialized view m as select count(*) from b; select lo_from_bytea(0, '\\x00ff')`)
    const contents = `select (select md5(string_agg(a::text, ',' order by id)) from a) as a,
      (select md5(string_agg(b::text, ',' order by id)) from b) as b, (select count from m) as m,
      (select count(*) from pg_largeobject_metadata) as objects,
      (select array_agg(indexrelid::regclass::text order by indexrelid::regclass::text) from pg_index where indrelid in ('a'::regclass, 'b'::regclass)) as indexes`
    const expected = (await several.query(contents)).rows
    await several.end()
    const restored = async () => {
      const session = await server.connect({ database: 'restored_several' })
      const { rows } = await session.query(contents)
      await session.end()
      await client.query('drop database restored_several')
      return rows
    }
    const natively = async (name: 'pg_dump' | 'pg_restore', ...args: string[]) =>
      expect(await run(await program18(name), args, connectionTo(server)), name).toMatchObject({
        code: 0,
        stderr: '',
      })

    for (const method of ['gzip', 'lz4', 'zstd', 'none']) {
      const ours = join(scratch, `ours-${method}`)
      await on('pg_dump', '-j', '3', '-Fd', `--compress=${method}`, '-f', join(tree.root, ours), 'several')
      await client.query('create database restored_several')
      await natively('pg_restore', '-j', '3', '-d', 'restored_several', ours)
      expect(await restored(), method).toEqual(expected)
    }
    const theirs = join(scratch, 'theirs')
    await natively('pg_dump', '-j', '3', '-Fd', '-f', theirs, 'several')
    await client.query('create database restored_several')
    await on('pg_restore', '-j', '3', '-d', 'restored_several', join(tree.root, theirs))
    expect(await restored()).toEqual(expected)
    tree.removeDirectory(scratch)
  })

  test('vacuumdb and reindexdb use as many connections as -j says', async () => {
    const client = await server.connect()
    await client.query('create database many')
    const many = await server.connect({ database: 'many' })
    for (let i = 0; i < 4; i++)
      await many.query(
        `create table t${i} as select i from generate_series(1, 10000) i; create index on t${i} (i)`,
      )
    const seen = 'select count(distinct pid)::int as n from pg_stat_activity where application_name = $1'
    for (const name of ['vacuumdb', 'reindexdb']) {
      // A lock keeps all of them until they are counted.
      await many.query('begin')
      await many.query('lock table t0, t1, t2, t3 in access share mode')
      const tables = [0, 1, 2, 3].flatMap(i => ['-t', `t${i}`])
      const done = on(name, '-j', '4', ...(name === 'vacuumdb' ? ['--full'] : []), ...tables, 'many')
      await until('all connections wait', async () => (await client.query(seen, [name])).rows[0].n === 4)
      await many.query('commit')
      await done
    }
    await many.end()
  })

  test('pg_amcheck finds no damage', async () => {
    await on('pg_amcheck', '--install-missing', '--all')
  })

  test('base backups, also incremental, are verified, combined and started', async () => {
    const [full, incremental, combined] = ['full', 'incremental', 'combined'].map(name => join(folder, name))
    const client = await server.connect()
    await client.query('create table backed (i int); insert into backed select generate_series(1, 1000)')
    await on('pg_basebackup', '-D', full!, '--checkpoint=fast')
    await client.query('insert into backed values (0)')
    await on(
      'pg_basebackup',
      '-X',
      'fetch',
      '-D',
      incremental!,
      '--checkpoint=fast',
      '-i',
      join(full!, 'backup_manifest'),
    )
    for (const backup of [full, incremental]) await on('pg_verifybackup', '--no-parse-wal', backup!)
    await on('pg_combinebackup', full!, incremental!, '-o', combined!)
    const copy = await startServer({ dataDir: combined!, port: 0 })
    try {
      const { stdout } = await run(
        program('psql'),
        ['-XAtc', 'select count(*) from backed'],
        connectionTo(copy),
      )
      expect(stdout).toBe('1001\n')
    } finally {
      await copy.stop()
    }
  })

  test('pg_receivewal and pg_waldump follow what is written', async () => {
    const wal = join(folder, 'wal')
    mkdirSync(wal)
    const client = await server.connect()
    const { rows } = await client.query(`select pg_current_wal_lsn() as lsn`)
    const receiving = program('pg_receivewal')(['-D', wal, '--no-sync'], connectionTo(server))
    const ended = new Promise(resolve => receiving.on('close', resolve))
    await until('it receives', () => readdirSync(wal).some(name => name.endsWith('.partial')))
    await client.query('create table logged as select 1 as i')
    await client.query('select pg_switch_wal()')
    await until('a file is whole', () => readdirSync(wal).some(name => /^[0-9A-F]{24}$/.test(name)))
    receiving.kill('SIGINT')
    await ended
    const file = readdirSync(wal).find(name => /^[0-9A-F]{24}$/.test(name))!
    const { stdout } = await on('pg_waldump', '-p', wal, '-s', rows[0].lsn, file)
    expect(stdout).toMatch(/rmgr: Transaction .* COMMIT/)
  })
})

test('a cluster at rest is looked at, checked and reset', async () => {
  const dataDir = join(folder, 'rest')
  await (await startServer({ dataDir, port: 0 })).stop()
  const on = async (name: string, ...args: string[]) =>
    (await run(program(name), [...args, '-D', dataDir], {})).stdout
  expect(await on('pg_controldata')).toMatch(/Database cluster state: +shut down\n/)
  expect(await on('pg_checksums', '--check')).toMatch(/Bad checksums: +0\n/)
  expect(await on('pg_checksums', '--disable')).toMatch(/Checksums disabled in cluster/)
  expect(await on('pg_resetwal')).toBe('Write-ahead log reset\n')
  const server = await startServer({ dataDir, port: 0 })
  expect(await on('pg_controldata')).toMatch(/Database cluster state: +in production\n/)
  await server.stop()
})

describe('--run', () => {
  /** Of a program of another version, which says so and does nothing. */
  const installed = (version: string) => {
    const place = join(folder, `installed-${version}`)
    mkdirSync(place)
    for (const name of ['psql', 'pg_dump'])
      writeFileSync(join(place, name), `#!/bin/sh\necho "${name} (PostgreSQL) ${version}"\n`, { mode: 0o755 })
    return place
  }
  /** Nothing of this machine but Node. */
  const PATH = join(folder, 'path')
  beforeAll(() => {
    mkdirSync(PATH)
    symlinkSync(process.execPath, join(PATH, 'node'))
  })

  test('finds them on the PATH, before those that are older', async () => {
    for (const [path, version] of [
      [PATH, '18'],
      [`${installed('15.3')}${delimiter}${PATH}`, '18'],
      [`${installed('19.1')}${delimiter}${PATH}`, '19'],
    ] as const) {
      const env = { PATH: path }
      const command = new Command(
        { env },
        '-p',
        '0',
        '--run',
        'pg_dump --version; createdb made && psql -XAtc "select 7" made',
      )
      const code = await command.closed
      expect(command.stdout).toMatch(new RegExp(`^pg_dump \\(PostgreSQL\\) ${version}`))
      expect(code).toBe(0)
      if (version === '18') expect(command.stdout).toMatch(/\n7\n$/)
    }
  })

  test('and the command psql takes no older one either', async () => {
    for (const version of ['15.4', '19.2']) {
      const env = { PATH: `${installed(version)}${delimiter}${PATH}` }
      const command = new Command({ env }, 'psql', '--version')
      await command.closed
      expect(command.stdout).toMatch(
        version === '15.4' ? /^psql \(PostgreSQL\) 18/ : /^psql \(PostgreSQL\) 19.2/,
      )
    }
  })
})
