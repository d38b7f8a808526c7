/**
 * Resident memory of a system's whole process tree, as Linux counts it in /proc, when it has just started on existing data
 * and how much each idle connection adds.
 *
 * The sum of resident sets counts a page once for each process that has it, which makes much of native PostgreSQL's shared
 * memory; the proportional set size divides it among them. Where there is one process the two differ little.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { type Bench, inTurns, Skipped } from './bench.js'
import { connect, pause } from './client.js'

export const PROPORTIONAL = 'memory after start, proportional'
export const PROPORTIONAL_PER_CONNECTION = 'memory per idle connection, proportional'

const CONNECTIONS = 20

/** What each of the connections has done: its caches are as those of a connection in use. */
const QUERY = `select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'pg_catalog'`

/** Milliseconds until the work after a start, or after a query, is done. */
const SETTLE = 1500

const MB = 1e6

export async function measureMemory(bench: Bench): Promise<void> {
  const after = [
    { name: 'memory after start, resident', unit: 'MB' },
    { name: PROPORTIONAL, unit: 'MB' },
  ] as const
  const perConnection = [
    { name: 'memory per idle connection, resident', unit: 'MB' },
    { name: PROPORTIONAL_PER_CONNECTION, unit: 'MB' },
  ] as const
  const systems = bench.systems.map(system => ({ system }))
  await inTurns(bench, systems, after, ({ system }) =>
    onExistingData(system, async (_, pid) => {
      const { resident, proportional } = memoryOf(pid)
      return [resident, proportional]
    }),
  )
  await inTurns(bench, systems, perConnection, ({ system }) => {
    if (system.shares) throw new Skipped('it has one session')
    return onExistingData(system, async (port, pid) => {
      const before = memoryOf(pid)
      const clients = []
      for (let i = 0; i < CONNECTIONS; i++) {
        const client = await connect(port)
        await client.query(QUERY)
        clients.push(client)
      }
      await pause(SETTLE)
      const { resident, proportional } = memoryOf(pid)
      for (const client of clients) await client.end()
      return [(resident - before.resident) / CONNECTIONS, (proportional - before.proportional) / CONNECTIONS]
    })
  })
}

async function onExistingData(
  system: Bench['systems'][number],
  measure: (port: number, pid: number) => Promise<number[]>,
): Promise<number[]> {
  const directory = system.makeDirectory(`memory-${system.name}`)
  try {
    await (await system.start(directory)).stop()
    const server = await system.start(directory)
    try {
      await pause(SETTLE)
      return await measure(server.port, server.pid)
    } finally {
      await server.stop()
    }
  } finally {
    system.removeDirectory(directory)
  }
}

/** MB of a process and all its descendants. */
function memoryOf(root: number): { resident: number; proportional: number } {
  const sum = { resident: 0, proportional: 0 }
  for (const pid of [root, ...descendants(root)]) {
    const rollup = readProc(pid, 'smaps_rollup')
    const bytes = (field: string) =>
      (Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) * 1024) / MB
    sum.resident += bytes('Rss')
    sum.proportional += bytes('Pss')
  }
  return sum
}

function descendants(root: number): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  // The parent is the second field after the command, which stands in parentheses and may contain any character.
  const parentOf = new Map(
    pids.map(pid => [Number(pid), Number(readProc(pid, 'stat').split(') ').at(-1)!.split(' ')[1])]),
  )
  const found: number[] = []
  const queue = [root]
  for (let parent = queue.pop(); parent !== undefined; parent = queue.pop()) {
    for (const [pid, itsParent] of parentOf) {
      if (itsParent !== parent) continue
      found.push(pid)
      queue.push(pid)
    }
  }
  return found
}

/** A file of a process in /proc; empty if the process has ended. */
function readProc(pid: number | string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}
