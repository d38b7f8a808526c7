/**
 * A system under test: a PostgreSQL that runs as a child process and listens on a TCP port of this machine. All are
 * treated alike: started on a data directory, driven through TCP by the same clients, stopped by a signal.
 */
import type { ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { answer } from './client.js'

export type SystemName = 'ours' | 'native' | 'pglite' | 'embedded'

export interface System {
  readonly name: SystemName
  /** What it is, for the head of the report. */
  readonly label: string
  /** What all clients share because there is one session only; empty if each client has its own. */
  readonly shares: string
  /** An empty data directory, as start() takes it. */
  makeDirectory(name: string): string
  removeDirectory(path: string): void
  /** Starts a server on a directory, which is initialised if it is empty, or an ephemeral one on none. `ownArguments` are for our command line only. */
  start(directory?: string, ownArguments?: readonly string[]): Promise<Server>
}

export interface Server {
  readonly port: number
  /** The root of its process tree. */
  readonly pid: number
  /** Milliseconds from its start as a process (initialisation included) to the first answer to a query. */
  readonly startTime: number
  stop(): Promise<void>
}

/** Settings that all systems get which can be given settings: those that decide how much has to be written, and when. */
export const SETTINGS = {
  fsync: 'on',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
}

/** Milliseconds a server has to shut down before it is told more firmly. */
const PATIENCE = 10_000

const children = new Set<ChildProcess>()

process.on('exit', () => {
  for (const child of children) child.kill('SIGQUIT')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

/**
 * Waits until a process that was just spawned answers a query.
 *
 * @param began when the start began, as of performance.now()
 * @param output what the process printed, for the message if it ends instead
 */
export async function serverOf(
  child: ChildProcess,
  port: number,
  began: number,
  output: () => string,
): Promise<Server> {
  children.add(child)
  let ended = false
  const exit = new Promise<void>(resolve => {
    const end = () => {
      ended = true
      children.delete(child)
      resolve()
    }
    child.on('exit', end)
    child.on('error', end)
  })
  await answer(port, () => {
    if (ended) throw new Error(`${child.spawnargs.join(' ')} ended:\n${output()}`)
  })
  return {
    port,
    pid: child.pid!,
    startTime: performance.now() - began,
    async stop() {
      child.kill('SIGINT')
      const timers = [
        setTimeout(() => child.kill('SIGQUIT'), PATIENCE),
        setTimeout(() => child.kill('SIGKILL'), 2 * PATIENCE),
      ]
      await exit
      for (const timer of timers) clearTimeout(timer)
    },
  }
}

/** What a child prints, kept to explain its failure. */
export function outputOf(child: ChildProcess): () => string {
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', chunk => {
      output = (output + chunk).slice(-10_000)
    })
  return () => output
}

/** A TCP port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
