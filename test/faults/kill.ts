/** kill -9 of the whole process while clients write, again and again, also while it recovers from the last time. */
import { join } from 'node:path'
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
import { Workload } from './workload.js'

/** All ways to make WAL durable that PostgreSQL has here, in turn. */
const SYNC_METHODS = ['fdatasync', 'open_datasync', 'fsync', 'open_sync']

/** A structural check looks at everything, so it has to wait for every so many rounds. */
const STRUCTURE_EVERY = 5

export const kill: Fault = {
  name: 'kill',
  about: 'kill -9 of the whole process under concurrent writes',
  run: rig => inFolder(folder => rounds(rig, join(folder, 'data'), rig.rounds(20, 200))),
}

async function rounds(rig: Rig, dataDir: string, count: number): Promise<string> {
  const options: ServerOptions = { dataDir, node: rig.node, threads: rig.threads, settings: BUSY }
  const workload = new Workload(4)
  await prepared(options, workload)
  let recoveries = 0
  let slowest = 0
  for (let round = 1; round <= count; round++) {
    const settings = { ...BUSY, wal_sync_method: SYNC_METHODS[round % SYNC_METHODS.length]! }
    const server = new Server({ ...options, settings })
    // Some servers are killed again before they are ready.
    if (rig.random() < 0.2) {
      await pause(rig.random() * 2000)
      await server.kill()
      recoveries++
      continue
    }
    const began = performance.now()
    if (!(await server.ready())) throw server.failure('did not start')
    slowest = Math.max(slowest, performance.now() - began)
    if (/automatic recovery in progress|was interrupted/.test(server.log)) recoveries++
    if (round % STRUCTURE_EVERY === 0) await checkAll(server, workload)
    else await withSession(server, session => workload.check(session, server))
    const load = workload.run(server)
    await moreCommits(workload, Math.ceil(rig.random() * 120), load)
    await pause(rig.random() * 20)
    await server.kill()
    await load
    rig.progress(`round ${round} of ${count}, ${workload.acknowledged} commits`)
  }
  const server = await Server.start(options)
  await checkAll(server, workload)
  if ((await server.stop()) !== 0) throw server.failure('did not shut down')
  await checkPages(dataDir)
  return `${count} kills, ${recoveries + 1} recoveries, the slowest start ${(slowest / 1000).toFixed(1)} s; ${workload.acknowledged} commits, none lost`
}
