/**
 * A database for a test: what a clone of one with 40 tables and 10 MB costs, to connect to it and to drop it, on servers without
 * durability; and what it costs to take one of a pool. PGlite has one database, and clones that.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type Bench, inTurns } from './bench.js'
import { connect, pause } from './client.js'
import { median } from './measurement.js'
import { outputOf, type Server, type System } from './system.js'

/** Clones of a round in a full run. */
const CLONES = 20
/** Clones, and databases taken from a pool, before any is measured. V8 compiles what is new to it meanwhile. */
const WARM_UP = 5
const TABLES = 40
/** Rows of each table. With the catalogs and indexes, the database has 10 MB. */
const ROWS = 200

/** Milliseconds between two clones, in which the last session ends. */
const BREAK = 30

export const CLONE = 'clone a database of 10 MB, 40 tables'
export const CONNECT_CLONE = 'connect to a clone, first query'
export const DROP_CLONE = 'drop a clone'
export const TAKE = 'take a clone from a pool'

export const SNAPSHOT = 'snapshot of a cluster of 100 MB'
export const BRANCH = 'branch of it, to the first answer'
export const RESTORE = 'restore it, to the first answer'

/** Snapshots of a round in a full run, and those before any is measured. */
const SNAPSHOTS = 10
const SNAPSHOTS_BEFORE = 2

/** For systems without pools: keeps databases ready, as people write it by hand. */
const POOL_BY_HAND = `create table ready (name text primary key, taken boolean not null default false);
create function take_database() returns text language sql as
  'update ready set taken = true where name = (select name from ready where not taken limit 1 for update skip locked) returning name'`

export async function measureDatabases(bench: Bench): Promise<void> {
  await measureClones(bench)
  await measureBranches(bench)
}

async function measureClones(bench: Bench): Promise<void> {
  const count = Math.ceil(CLONES * bench.amount)
  await inTurns(
    bench,
    bench.systems.map(system => ({ system })),
    [CLONE, CONNECT_CLONE, DROP_CLONE, TAKE].map(name => ({ name, unit: 'ms' as const })),
    ({ system }) =>
      system.name === 'pglite'
        ? runProgram('pglite-clones.js', count, WARM_UP, TABLES, ROWS)
        : clonesOf(system, count),
  )
}

/** Only this server has them: elsewhere one copies the data directory of a server that has stopped, or takes a base backup. */
async function measureBranches(bench: Bench): Promise<void> {
  const count = Math.ceil(SNAPSHOTS * bench.amount)
  await inTurns(
    bench,
    bench.systems.filter(({ name }) => name === 'ours').map(system => ({ system })),
    [SNAPSHOT, BRANCH, RESTORE].map(name => ({ name, unit: 'ms' as const })),
    () => runProgram('our-branches.js', count, SNAPSHOTS_BEFORE),
  )
}

async function clonesOf(system: System, count: number): Promise<number[]> {
  const server = await system.start(undefined, ['--pools'])
  const client = await connect(server.port)
  try {
    await client.query('create database original')
    await fill(server)
    const times: number[][] = [[], [], []]
    for (let i = -WARM_UP; i < count; i++) {
      const measured = await cloneOnce(client, server, `clone_${i + WARM_UP}`)
      if (i >= 0) for (const [measure, time] of measured.entries()) times[measure]!.push(time)
    }
    return [...times.map(median), await takes(system, client, count)]
  } finally {
    await client.end()
    await server.stop()
  }
}

async function fill(server: Server): Promise<void> {
  const client = clientOf(server, 'original')
  await client.connect()
  for (let i = 0; i < TABLES; i++)
    await client.query(`create table t${i} (id serial primary key, name text, at timestamptz default now());
      create index on t${i} (name);
      insert into t${i} (name) select 'name ' || n from generate_series(1, ${ROWS}) n`)
  await client.query('vacuum analyze')
  await client.end()
  // The first session in a database writes a file by which later ones know the catalogs without reading them.
  const next = clientOf(server, 'original')
  await next.connect()
  await next.end()
  await pause(BREAK)
}

async function cloneOnce(client: pg.Client, server: Server, name: string): Promise<number[]> {
  const clone = await timeOf(() =>
    client.query(`create database ${name} template original strategy file_copy`),
  )
  const session = clientOf(server, name)
  const connecting = await timeOf(async () => {
    await session.connect()
    await session.query('select count(*) from t1')
  })
  await session.end()
  await pause(BREAK)
  const drop = await timeOf(() => client.query(`drop database ${name}`))
  return [clone, connecting, drop]
}

async function takes(system: System, client: pg.Client, count: number): Promise<number> {
  const ours = system.name === 'ours'
  const size = WARM_UP + count
  if (ours) await client.query(`select pglite_imports.open_pool('original', ${size})`)
  else {
    await client.query(POOL_BY_HAND)
    for (let i = 0; i < size; i++) {
      await client.query(`create database ready_${i} template original strategy file_copy`)
      await client.query('insert into ready values ($1)', [`ready_${i}`])
    }
  }
  const ready = `select from pglite_imports.database where state = 'ready'`
  while (ours && (await client.query(ready)).rowCount !== size) await pause(BREAK)
  const take = ours ? "pglite_imports.take_database('original')" : 'take_database()'
  const times: number[] = []
  for (let i = 0; i < size; i++) times.push(await timeOf(() => client.query(`select ${take}`)))
  return median(times.slice(WARM_UP))
}

/** Runs a program that measures in a process of its own, as the servers are. */
async function runProgram(name: string, ...args: number[]): Promise<number[]> {
  const program = fileURLToPath(new URL(name, import.meta.url))
  const child = spawn(process.execPath, [program, ...args.map(String)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  child.stdout.on('data', text => {
    printed += text
  })
  const output = outputOf(child)
  const [status] = (await once(child, 'close')) as [number | null]
  if (status !== 0) throw new Error(output())
  return JSON.parse(printed) as number[]
}

function clientOf({ port }: Server, database: string): pg.Client {
  return new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database })
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
