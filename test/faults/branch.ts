/**
 * kill -9 of a server in the middle of a branch, and of a clone of a database: the source keeps all that it has acknowledged, a branch is whole
 * or does not count as a cluster, and a clone is whole or is not there.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { repository } from '../../wasm/build/paths.js'
import {
  BUSY,
  checkAll,
  type Fault,
  inFolder,
  moreCommits,
  pause,
  prepared,
  type Rig,
  withSession,
} from './fault.js'
import { checkPages } from './pages.js'
import { Server, type ServerOptions } from './server.js'
import { checkStructure, Workload } from './workload.js'

const commandLine = join(repository, 'dist', 'bin', 'pglite-imports-server.js')

const CLIENTS = 3

export const branch: Fault = {
  name: 'branch',
  about: 'kill -9 in the middle of branches and of clones of databases',
  run: rig => inFolder(folder => rounds(rig, folder, rig.rounds(12, 120))),
}

/** Milliseconds that a branch and a clone take at present, if they are not killed. */
interface Times {
  branch: number
  clone: number
}

interface Result {
  whole: number
  unfinished: number
  clones: number
}

async function rounds(rig: Rig, folder: string, count: number): Promise<string> {
  const dataDir = join(folder, 'data')
  const options: ServerOptions = { dataDir, node: rig.node, threads: rig.threads, settings: BUSY }
  const workload = new Workload(CLIENTS)
  await prepared(options, workload)
  const result: Result = { whole: 0, unfinished: 0, clones: 0 }
  const times = await measure(options, join(folder, 'measured'))
  for (let round = 1; round <= count; round++) {
    const server = await Server.start(options)
    await withSession(server, session => workload.check(session, server))
    const load = workload.run(server)
    await moreCommits(workload, 20, load)
    if (round % 3 === 0) await killClone(rig, server, times)
    else await killBranch(rig, server, times, join(folder, `branch${round}`), workload, result)
    await load
    rig.progress(`round ${round} of ${count}, ${workload.acknowledged} commits`)
  }
  const server = await Server.start(options)
  await checkAll(server, workload)
  result.clones += await withSession(server, session => checkClones(session, server))
  if ((await server.stop()) !== 0) throw server.failure('did not shut down')
  await checkPages(dataDir)
  const { whole, unfinished, clones } = result
  return `${count} kills; ${whole} branches were whole, ${unfinished} did not count; ${clones} whole clones; ${workload.acknowledged} commits, none lost`
}

/** Also makes the database that is cloned. */
async function measure(options: ServerOptions, target: string): Promise<Times> {
  const server = await Server.start(options)
  const session = await server.connect()
  await session.query('create database original')
  const original = await server.connect('original')
  await original.query('create extension amcheck')
  await original.end()
  const cloning = performance.now()
  await session.query('create database clone template original strategy file_copy')
  const clone = performance.now() - cloning
  await session.end()
  const command = branchCommand(options, target)
  await whenBegun(command, target)
  const branching = performance.now()
  await once(command, 'exit')
  await server.stop()
  return { branch: performance.now() - branching, clone }
}

function branchCommand({ node, dataDir }: ServerOptions, target: string): ChildProcess {
  return spawn(node, [commandLine, 'branch', '-D', dataDir, target], { stdio: 'ignore' })
}

/** Resolves when the directory appears: then the server has begun. */
async function whenBegun(command: ChildProcess, target: string): Promise<void> {
  while (!existsSync(target) && command.exitCode === null) await pause(1)
}

/** Under load it takes longer than measured. Some are to be finished: the server is then killed at once. */
const LATEST = 4

/** Kills the server while it makes a branch, or when it has made it. */
async function killBranch(
  rig: Rig,
  server: Server,
  times: Times,
  target: string,
  workload: Workload,
  result: Result,
): Promise<void> {
  const before = workload.asOfNow()
  const command = branchCommand(server.options, target)
  const ended = once(command, 'exit')
  await whenBegun(command, target)
  await Promise.race([ended, pause(rig.random() * LATEST * times.branch)])
  await server.kill()
  await ended
  if (!existsSync(join(target, 'PG_VERSION'))) {
    result.unfinished++
    rmSync(target, { recursive: true, force: true })
    return
  }
  result.whole++
  const copy = await Server.start({ ...server.options, dataDir: target })
  await checkAll(copy, before)
  if ((await copy.stop()) !== 0) throw copy.failure('did not shut down')
  await checkPages(target)
  rmSync(target, { recursive: true, force: true })
}

/** Kills the server while it clones a database, or when it has cloned it. */
async function killClone(rig: Rig, server: Server, times: Times): Promise<void> {
  const session = await server.connectAgain()
  const cloning = session
    .query(`create database clone_${Date.now()} template original strategy file_copy`)
    .catch(() => {})
  await Promise.race([cloning, pause(rig.random() * LATEST * times.clone)])
  await server.kill()
  await cloning
}

/** Connects to all clones that PostgreSQL knows. Returns how many there are. */
async function checkClones(session: pg.Client, server: Server): Promise<number> {
  const { rows } = await session.query("select datname from pg_database where datname like 'clone%'")
  for (const { datname } of rows) {
    const clone = await server.connect(datname)
    try {
      await checkStructure(clone, server)
    } finally {
      await clone.end()
    }
  }
  return rows.length
}
