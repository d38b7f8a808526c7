/** Runs pgbench against a system, with scripts of one's own where they are wanted. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { NativeTree } from './native-tree.js'
import { runClient } from './run-client.js'

/** Seconds that pgbench may take beyond its run, to connect and to end. */
const GRACE = 60

export interface Load {
  readonly clients: number
  readonly args: readonly string[]
  /** Scripts of one's own, each with how often it is chosen. */
  readonly scripts?: readonly (readonly [text: string, weight: number])[]
  /** Whether to note how long each transaction takes. */
  readonly latencies?: boolean
}

export interface LoadResult {
  /** Transactions per second, without the time that connecting took. */
  readonly tps: number
  /** Milliseconds of each transaction, if they were to be noted. */
  readonly latencies: number[]
}

/** @throws Error if no transaction has ended in this time, of which connecting takes a part */
export async function runPgbench(
  tree: NativeTree,
  port: number,
  load: Load,
  seconds: number,
): Promise<LoadResult> {
  const { tps, latencies } = await run(tree, port, load, seconds)
  if (tps === undefined) throw new Error('pgbench printed no result')
  return { tps, latencies }
}

/** The same before something is measured. */
export async function warmUp(tree: NativeTree, port: number, load: Load, seconds: number): Promise<void> {
  await run(tree, port, load, seconds)
}

async function run(
  tree: NativeTree,
  port: number,
  { clients, args, scripts = [], latencies = false }: Load,
  seconds: number,
): Promise<{ tps: number | undefined; latencies: number[] }> {
  const folder = tree.makeDirectory('pgbench')
  const outside = join(tree.root, folder)
  try {
    const files = scripts.flatMap(([text, weight], i) => {
      writeFileSync(join(outside, `${i}.sql`), `${text}\n`)
      return ['-f', `${folder}/${i}.sql@${weight}`]
    })
    const output = await runClient(
      tree,
      'pgbench',
      port,
      [
        ...args,
        ...files,
        ...['-c', `${clients}`, '-j', `${Math.min(clients, availableParallelism())}`, '-T', `${seconds}`],
        ...(latencies ? ['-l', `--log-prefix=${folder}/log`] : []),
      ],
      { deadline: seconds + GRACE },
    )
    const tps = /^tps = ([\d.]+)/m.exec(output)?.[1]
    return {
      tps: tps === undefined ? undefined : Number(tps),
      latencies: latencies ? readLatencies(outside) : [],
    }
  } finally {
    tree.removeDirectory(folder)
  }
}

/** From pgbench's logs: a line for each transaction, whose third word is its microseconds. */
function readLatencies(folder: string): number[] {
  return readdirSync(folder)
    .filter(name => name.startsWith('log'))
    .flatMap(name => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    .map(line => Number(line.split(' ')[2]) / 1000)
}
