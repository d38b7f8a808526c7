/** What each fault of the rig gets, and what it returns. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { Failure, Server, type ServerOptions } from './server.js'
import { checkStructure, Workload } from './workload.js'

export interface Rig {
  /** The Node that runs servers, and whether their processes have threads. */
  readonly node: string
  readonly threads: boolean
  /** How much longer than in the short form. */
  readonly rounds: (short: number, long: number) => number
  /** Returns numbers between 0 and 1, the same ones for the same seed. */
  readonly random: () => number
  /** Reports how far the fault has come. */
  readonly progress: (text: string) => void
}

export interface Fault {
  readonly name: string
  readonly about: string
  /** Resolves with what was done, in a few words; throws a Failure if a promise was broken. */
  run(rig: Rig): Promise<string>
}

/** Settings under which much happens in little time: small buffers, frequent checkpoints and vacuums, segments reused. */
export const BUSY: Readonly<Record<string, string>> = {
  shared_buffers: '1MB',
  max_wal_size: '4MB',
  min_wal_size: '2MB',
  checkpoint_timeout: '30s',
  checkpoint_completion_target: '0.1',
  bgwriter_delay: '20ms',
  autovacuum_naptime: '1s',
  autovacuum_vacuum_threshold: '20',
  wal_writer_delay: '10ms',
}

/** Makes a folder, and removes it after the call. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'faults-'))
  try {
    return await use(folder)
  } catch (error) {
    // No process may write to a folder while it is removed.
    if (error instanceof Failure) await error.server?.kill()
    throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Opens a session, and ends it after the call. */
export async function withSession<T>(server: Server, use: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = await server.connectAgain()
  try {
    return await use(session)
  } finally {
    await session.end()
  }
}

/** A workload, and how to start servers for it to which faults can be done from outside. */
export async function sabotaged(
  rig: Rig,
  dataDir: string,
): Promise<{ options: ServerOptions; workload: Workload }> {
  const { node, threads } = rig
  const options: ServerOptions = { dataDir, node, threads, settings: BUSY, sabotage: true }
  const workload = new Workload(4)
  await prepared(options, workload)
  return { options, workload }
}

/** A cluster with the tables of a workload, its server stopped. */
export async function prepared(options: ServerOptions, workload: Workload): Promise<void> {
  const server = await Server.start(options)
  await withSession(server, session => workload.prepare(session))
  await server.stop()
}

/** Checks all promises on the server that has recovered. */
export async function checkAll(server: Server, workload: Workload): Promise<void> {
  await withSession(server, async session => {
    await workload.check(session, server)
    await checkStructure(session, server)
  })
}

/** Resolves once so many more commits than now have been acknowledged, or the load has ended. */
export async function moreCommits(workload: Workload, count: number, load: Promise<unknown>): Promise<void> {
  const enough = workload.acknowledged + count
  let ended = false
  const end = () => {
    ended = true
  }
  load.then(end, end)
  while (workload.acknowledged < enough && !ended) await pause(2)
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
