/** Which directories become a cluster, which are opened, which are refused, and that none is ever half made. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { type PostgresServer, type StartServerOptions, startServer } from 'pglite-imports-server'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { commandLine } from '../fixtures/command.js'
import { BLOCK_SIZE, controlFileWith } from '../fixtures/control-file.js'
import { preload } from '../preloaded/path.js'

const dataDirectoryModule = new URL('../../dist/server/data-directory/data-directory.js', import.meta.url)
  .href

let folder: string
const running = new Set<PostgresServer>()

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-directory-test-'))
})
afterEach(async () => {
  await Promise.all([...running].map(server => server.stop()))
  running.clear()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function start(dataDir: string, options: StartServerOptions = {}): Promise<PostgresServer> {
  const server = await startServer({ dataDir, port: 0, ...options })
  running.add(server)
  return server
}

async function query(server: PostgresServer, text: string): Promise<unknown> {
  const client = new pg.Client({ stream: () => server.connect(), user: 'postgres', database: 'postgres' })
  await client.connect()
  const { rows } = await client.query({ text, rowMode: 'array' })
  await client.end()
  return rows[0]?.[0]
}

/** What a server that does not start says on its standard error. */
async function refusalOf(server: ChildProcess): Promise<string> {
  let said = ''
  server.stderr!.on('data', text => {
    said += text
  })
  expect(await once(server, 'close')).toEqual([1, null])
  return said
}

/** A server in namespaces of its own for processes, network and host name, as in a container. Killing it ends all of it. */
function inContainer(host: string, dataDir: string): ChildProcess {
  const script = 'hostname "$0" && exec "$@" -h ""'
  return spawn('unshare', [
    ...['--pid', '--net', '--uts', '--mount-proc', '--fork', '--kill-child'],
    ...['sh', '-c', script, host, process.execPath, commandLine, '-D', dataDir, '-k', dataDir, '-p', '5432'],
  ])
}

/** A server whose data directory is a file system of its own, of this size. */
function onDisk(size: string, dataDir: string): ChildProcess {
  mkdirSync(dataDir)
  const script = 'mount -t tmpfs -o mode=0700,size="$0" tmpfs "$1" && shift && exec "$@"'
  return spawn('unshare', [
    ...['--mount', 'sh', '-c', script, size, dataDir],
    ...[process.execPath, commandLine, '-D', dataDir, '-p', '0'],
  ])
}

/** The locks of servers in a directory. */
function locksIn(dataDir: string): string[] {
  return readdirSync(dataDir).filter(name => name.startsWith('pg_internal.init.server.'))
}

describe('a data directory', () => {
  test('is made if it is missing, with its parents, and is closed to other users', async () => {
    const dataDir = join(folder, 'new', 'cluster')
    expect(await query(await start(dataDir), 'show data_directory')).toBe(dataDir)
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
  })

  test('keeps what was written when it is opened again', async () => {
    const dataDir = join(folder, 'again')
    const first = await start(dataDir)
    await query(first, 'create table kept as select 42 as answer')
    await first.stop()
    expect(await query(await start(dataDir), 'select answer from kept')).toBe(42)
  })

  test('has a system identifier of its own, in pg_control as in the WAL', async () => {
    const identifiers = new Set()
    for (const name of ['one', 'two']) {
      const dataDir = join(folder, name)
      const server = await start(dataDir)
      const id = await query(server, 'select system_identifier::text from pg_control_system()')
      const segment = await query(server, 'select pg_walfile_name(pg_current_wal_lsn())')
      const wal = readFileSync(join(dataDir, 'pg_wal', String(segment)))
      expect(wal.readBigUInt64LE(24).toString()).toBe(id)
      identifiers.add(id)
    }
    expect(identifiers.size).toBe(2)
  })

  test('made by PGlite is refused with what to do, and left alone', async () => {
    const dataDir = join(folder, 'pglite')
    const db = await PGlite.create(dataDir)
    await db.exec(`create table kept as select 'from PGlite' as origin`)
    await db.close()
    await expect(start(dataDir)).rejects.toThrow(
      /^the cluster in ".*pglite" cannot be read: it was made by PGlite.*: convert a copy by "pglite-imports-server import -D NEW OLD", or dump it/,
    )
    const again = await PGlite.create(dataDir)
    expect((await again.query('select origin from kept')).rows).toEqual([{ origin: 'from PGlite' }])
    await again.close()
  })

  test('on a full disk still lets clients in, so that they can make room', async () => {
    const dataDir = join(folder, 'full')
    const server = onDisk('128m', dataDir)
    const exited = once(server, 'close')
    const [ready] = await once(server.stdout!, 'data')
    const run = async (text: string) => {
      const client = new pg.Client(/postgres:\S+/.exec(String(ready))![0])
      await client.connect()
      return client.query(text).finally(() => client.end())
    }
    const fill = (lines: number) =>
      run(`copy (select repeat('x', 1000000) from generate_series(1, ${lines})) to '${dataDir}/filler'`)
    const grow = () => run("create table made as select repeat('x', 1000) from generate_series(1, 1000)")
    await run('create table kept as select 42 as answer')
    await expect(fill(1000)).rejects.toMatchObject({ code: '53100' })
    await expect(grow()).rejects.toMatchObject({ code: '53100' })
    expect((await run('table kept')).rows).toEqual([{ answer: 42 }])
    await fill(0)
    expect((await grow()).rowCount).toBe(1000)
    server.kill('SIGINT')
    expect(await exited).toEqual([0, null])
  })

  test('with anything else in it is refused and left alone', async () => {
    const dataDir = join(folder, 'foreign')
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'diary.txt'), 'private')
    await expect(start(dataDir)).rejects.toThrow('is not empty and holds no PostgreSQL cluster')
    expect(readdirSync(dataDir)).toEqual(['diary.txt'])
  })

  test('of another major version is refused with what to do', async () => {
    const dataDir = join(folder, 'old')
    mkdirSync(dataDir)
    writeFileSync(join(dataDir, 'PG_VERSION'), '16\n')
    await expect(start(dataDir)).rejects.toThrow(
      /made by PostgreSQL 16, this is 18: dump it with pg_dumpall 16/,
    )
  })

  test('of a server with other blocks is refused with what to do', async () => {
    const dataDir = join(folder, 'blocks')
    mkdirSync(join(dataDir, 'global'), { recursive: true })
    writeFileSync(join(dataDir, 'PG_VERSION'), '18\n')
    writeFileSync(join(dataDir, 'global', 'pg_control'), controlFileWith(BLOCK_SIZE, 16384))
    await expect(start(dataDir)).rejects.toThrow(
      /blocks" cannot be read: its files have blocks of 16384 bytes, not 8192: dump it with the server that made it/,
    )
  })

  test('that cannot be made is refused', async () => {
    await expect(start('/proc/cluster')).rejects.toThrow('data directory "/proc/cluster" cannot be used')
    await expect(start(join(commandLine, 'cluster'))).rejects.toThrow('is not a directory')
  })

  test('has one server at a time, in this process', async () => {
    const dataDir = join(folder, 'twice')
    await start(dataDir)
    await expect(start(dataDir)).rejects.toThrow('in use by another server in this process')
  })

  test('has one server at a time, of all processes; the second is told which is the first', async () => {
    const dataDir = join(folder, 'locked')
    const { port } = await start(dataDir)
    expect(await refusalOf(spawn(process.execPath, [commandLine, '-D', dataDir, '-p', '0']))).toBe(
      `pglite-imports-server: data directory "${dataDir}" is in use by another server ` +
        `(PID ${process.pid}, port ${port}): stop that first, or name another directory\n`,
    )
    // One that is refused leaves nothing, and the first goes on.
    expect(locksIn(dataDir)).toHaveLength(1)
    expect(await query([...running].at(-1)!, 'select 1')).toBe(1)
  })

  test('has one server at a time, of all containers', async () => {
    const dataDir = join(folder, 'shared')
    await start(dataDir)
    expect(await refusalOf(inContainer('other', dataDir))).toContain(
      `in use by another server (PID ${process.pid} on host "${hostname()}"`,
    )
    await [...running].at(-1)!.stop()

    const first = inContainer('first', dataDir)
    await once(first.stdout!, 'data')
    await expect(start(dataDir)).rejects.toThrow(/in use by another server \(PID \d+ on host "first"/)
    process.kill(first.pid!, 'SIGKILL')
    await once(first, 'close')
  })

  test('of a server that was killed in another container is opened, even if another process has its PID here', async () => {
    const dataDir = join(folder, 'abandoned')
    const first = inContainer('first', dataDir)
    await once(first.stdout!, 'data')
    const [pid] = readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')
    expect(existsSync(`/proc/${pid}`), `process ${pid}`).toBe(true)
    process.kill(first.pid!, 'SIGKILL')
    await once(first, 'close')
    expect(await query(await start(dataDir), 'select 1')).toBe(1)
  })

  test('goes to one of several servers that start on it at once', async () => {
    const dataDir = join(folder, 'wanted')
    const servers = [1, 2, 3].map(() => spawn(process.execPath, [commandLine, '-D', dataDir, '-p', '0']))
    const began = servers.map(async server => {
      const [what] = await Promise.race([once(server.stdout, 'data'), once(server, 'close')])
      return what
    })
    const outcomes = await Promise.all(began)
    expect(outcomes.filter(what => what !== 1)).toHaveLength(1)
    for (const server of servers) server.kill('SIGKILL')
  })

  test('may have a path that is too long for a socket', async () => {
    const dataDir = join(folder, 'long'.repeat(50))
    await start(dataDir)
    expect(locksIn(dataDir)).toHaveLength(1)
    expect(await refusalOf(spawn(process.execPath, [commandLine, '-D', dataDir, '-p', '0']))).toContain(
      `in use by another server (PID ${process.pid},`,
    )
    await [...running].at(-1)!.stop()
    expect(locksIn(dataDir)).toEqual([])
  })

  test('is whole or not there when its first server is killed at any moment', async () => {
    const parent = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : folder, 'first-start-'))
    const module: typeof import('../../server/data-directory/data-directory.js') = await import(
      dataDirectoryModule
    )
    const steps = Number(await createCluster(join(parent, 'whole')))
    const whole = contentsOf(join(parent, 'whole'))
    expect(whole.length).toBeGreaterThan(900)
    // All around the moves at the end, where it becomes a cluster, and some while it is being written.
    const moves = Array.from({ length: 9 }, (_, i) => steps - 1 - i * 4)
    const moments = [0, 1, 2, 100, Math.floor(steps / 2), ...moves, steps - 2, steps - 3, steps - 4]
    for (const moment of moments) {
      const dataDir = join(parent, `killed-${moment}`)
      await createCluster(dataDir, moment)
      const directory = await module.openDataDirectory(dataDir)
      expect(contentsOf(dataDir), `killed before step ${moment}`).toEqual(whole)
      directory.release()
      expect(contentsOf(dataDir)).toEqual(whole)
    }
    expect(await query(await start(join(parent, `killed-${steps - 2}`)), 'select 1')).toBe(1)
    await [...running].at(-1)!.stop()
    rmSync(parent, { recursive: true, force: true })
    // Seventeen first starts, each of another Node.
  }, 240_000)
})

/** Makes a cluster in another process, which is killed before this step; without one, returns how many there are. */
async function createCluster(dataDir: string, killAt?: number): Promise<string> {
  const stepsFile = `${dataDir}-steps`
  const code = `
    import { openDataDirectory } from ${JSON.stringify(dataDirectoryModule)}
    await openDataDirectory(${JSON.stringify(dataDir)})
    process.exit()`
  const child = spawn(process.execPath, [...preload('kill-at-step'), '--input-type=module', '-e', code], {
    stdio: 'inherit',
    env: {
      ...process.env,
      ...(killAt === undefined ? { STEPS_FILE: stepsFile } : { KILL_AT: String(killAt) }),
    },
  })
  expect(await once(child, 'close')).toEqual(killAt === undefined ? [0, null] : [null, 'SIGKILL'])
  return killAt === undefined ? readFileSync(stepsFile, 'utf8') : ''
}

/** Every file with its size, but for locks. */
function contentsOf(dataDir: string): string[] {
  return readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    .filter(name => !name.startsWith('pg_internal.init.server.'))
    .map(
      name => `${name} ${statSync(join(dataDir, name)).isFile() ? statSync(join(dataDir, name)).size : ''}`,
    )
    .sort()
}

describe('an ephemeral cluster', () => {
  const { TMPDIR } = process.env
  beforeAll(() => {
    process.env.TMPDIR = folder
  })
  afterAll(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })

  test('is in memory if there is enough of it', async () => {
    delete process.env.TMPDIR
    const server = await startServer({ port: 0 })
    process.env.TMPDIR = folder
    const { type, bavail, bsize } = statfsSync(existsSync('/dev/shm') ? '/dev/shm' : '/')
    const inMemory = type === 0x01021994 && bavail * bsize > 2 ** 30
    expect(server.dataDir.startsWith(inMemory ? '/dev/shm/' : tmpdir())).toBe(true)
    await server.stop()
  })

  test('is gone when the server has stopped', async () => {
    const server = await startServer({ port: 0 })
    expect(existsSync(server.dataDir)).toBe(true)
    await server.stop()
    expect(existsSync(server.dataDir)).toBe(false)
  })

  test('is gone when the process exits without stopping it', async () => {
    const code = `
      import { startServer } from 'pglite-imports-server'
      console.log((await startServer({ port: 0 })).dataDir)
      process.exit()`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let dataDir = ''
    child.stdout.on('data', text => {
      dataDir += text
    })
    expect(await once(child, 'close')).toEqual([0, null])
    expect(dataDir).toContain(folder)
    expect(existsSync(dataDir.trim())).toBe(false)
  })

  test('of a killed server is removed by the next one', async () => {
    const killed = spawn(process.execPath, [commandLine, '-p', '0', '-q'])
    await once(killed.stdout, 'data')
    const mine = (name: string) => name.includes(`-${killed.pid}-`)
    killed.kill('SIGKILL')
    await once(killed, 'close')
    expect(readdirSync(folder).filter(mine)).toHaveLength(1)
    await (await startServer({ port: 0 })).stop()
    expect(readdirSync(folder).filter(mine)).toEqual([])
  })
})
