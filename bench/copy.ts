/** COPY of a table of mixed types from and to a client (psql), in text format. */
import { closeSync, createWriteStream, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { cache } from '../wasm/build/paths.js'
import { type Bench, inTurns, type Running, restart } from './bench.js'
import { query } from './client.js'
import { runClient } from './run-client.js'

/** Rows of a full run, about 100 MB. */
const ROWS = 1_000_000
const DEADLINE = 120
export const COPY = 'COPY'

const MB = 1e6

const TABLE = `
  drop table if exists copied;
  create table copied (id int, account bigint, amount numeric(12, 2), at timestamp, open boolean, name text, remark text)`

export async function runCopy(bench: Bench, running: readonly Running[]): Promise<void> {
  const count = Math.round(ROWS * bench.amount)
  const file = join(cache, 'bench', 'copy.tsv')
  mkdirSync(dirname(file), { recursive: true })
  await pipeline(Readable.from(rows(count)), createWriteStream(file))
  const size = statSync(file).size / MB
  try {
    await inTurns(
      bench,
      running,
      [{ name: `${COPY} FROM STDIN`, unit: 'MB/s' }],
      async ({ server }) => {
        await query(server.port, TABLE)
        await query(server.port, 'checkpoint')
        const input = openSync(file, 'r')
        const began = performance.now()
        try {
          const args = ['-q', '-c', 'copy copied from stdin']
          await runClient(bench.tree, 'psql', server.port, args, { deadline: DEADLINE, input })
        } finally {
          closeSync(input)
        }
        return [(size / (performance.now() - began)) * 1000]
      },
      restart,
    )
    await inTurns(
      bench,
      running,
      [{ name: `${COPY} TO STDOUT`, unit: 'MB/s' }],
      async ({ server }, round) => {
        if (round === 0) await fill(server.port, count)
        const began = performance.now()
        const args = ['-q', '-c', 'copy copied to stdout']
        await runClient(bench.tree, 'psql', server.port, args, { deadline: DEADLINE, discard: true })
        return [(size / (performance.now() - began)) * 1000]
      },
      restart,
    )
  } finally {
    rmSync(file, { force: true })
  }
}

/** The file, in chunks. */
function* rows(count: number): Generator<string> {
  let chunk = ''
  for (let id = 1; id <= count; id++) {
    const seconds = String(id % 60).padStart(2, '0')
    const name = `account ${id * 7919}`
    chunk += `${id}\t${id * 1_000_003}\t${(id % 99_991) / 100}\t2026-11-22 10:20:${seconds}\t${id % 2 ? 't' : 'f'}\t${name}\t`
    chunk += id % 10 === 0 ? '\\N\n' : `remark number ${id % 1000} of many\n`
    if (id % 1000 === 0 || id === count) {
      yield chunk
      chunk = ''
    }
  }
}

/** Fills the table with the file's rows by a statement: not every system takes COPY FROM STDIN. */
async function fill(port: number, count: number): Promise<void> {
  await query(port, TABLE)
  await query(
    port,
    `insert into copied
      select id, id::bigint * 1000003, (id % 99991)::numeric / 100, timestamp '2026-11-22 10:20:00' + make_interval(secs => id % 60),
        id % 2 = 1, 'account ' || id::bigint * 7919, case when id % 10 > 0 then 'remark number ' || id % 1000 || ' of many' end
      from generate_series(1, ${count}) id`,
  )
  await query(port, 'vacuum analyze copied')
}
