/**
 * Snapshots, branches and restores of an ephemeral cluster with 100 MB, in the process that has the server. Prints the median times as JSON, and
 * on stderr the processor time of each.
 *
 * Arguments: how often they are measured, how often before, and megabytes of tables.
 */
import pg from 'pg'
import { type PostgresServer, startServer } from '../server/index.js'
import { median } from './measurement.js'

const [count = 5, warmUp = 2, megabytes = 80] = process.argv.slice(2).map(Number)

/** Rows of a table of 10 MB. */
const ROWS = 120_000

const server = await startServer({ port: 0 })
await query(server, 'create table small (i int)')
for (let i = 0; i < megabytes / 10; i++)
  await query(
    server,
    `create table t${i} as select i, md5(i::text) as text from generate_series(1, ${ROWS}) i`,
  )
await query(server, 'vacuum freeze')

const times: number[][] = [[], [], []]
const processor: number[][] = [[], [], []]
for (let i = 0; i < warmUp + count; i++) {
  await query(server, 'insert into small values (1)')
  const snapshot = await timed(0, () => server.snapshot())
  await query(server, 'insert into small values (2)')
  const branch = await timed(1, async () => {
    const branch = await server.branch()
    await query(branch, 'select count(*) from small')
    return branch
  })
  await branch.stop()
  await timed(2, async () => {
    await server.restore(snapshot)
    await query(server, 'select count(*) from small')
  })
  await snapshot.remove()
}
await server.stop()
const medians = (values: number[][]) => values.map(measured => median(measured.slice(warmUp)))
console.error(`processor time, ms: ${medians(processor).map(time => time.toFixed(0))}`)
console.log(JSON.stringify(medians(times)))

async function timed<T>(what: number, work: () => Promise<T>): Promise<T> {
  const [began, used] = [performance.now(), process.cpuUsage()]
  const result = await work()
  times[what]!.push(performance.now() - began)
  const { user, system } = process.cpuUsage(used)
  processor[what]!.push((user + system) / 1000)
  return result
}

async function query(on: PostgresServer, sql: string): Promise<void> {
  const client = new pg.Client({ ...{ stream: () => on.connect() }, user: 'postgres', database: 'postgres' })
  await client.connect()
  await client.query(sql)
  await client.end()
}
