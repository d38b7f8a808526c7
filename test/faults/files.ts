/** Files that cannot be written or synced while clients write: a broken disk, a full one, one that is read only. */
import { join } from 'node:path'
import type { Message } from '../preloaded/saboteur.js'
import {
  checkAll,
  type Fault,
  inFolder,
  moreCommits,
  pause,
  type Rig,
  sabotaged,
  withSession,
} from './fault.js'
import { Server } from './server.js'

/** The errors that clients get then: the disk is full, broken, or read only in PostgreSQL's words. */
const EXPECTED = ['53100', '58030', '25006', '42501', 'XX000']

const FAILURES = ['sync-fails', 'write-fails', 'full', 'read-only'] as const

/** How long files fail, at most, in milliseconds. */
const AT_MOST = 3000

export const files: Fault = {
  name: 'files',
  about: 'files that cannot be synced (EIO), written (EIO, ENOSPC) or changed (EROFS) for a while',
  run: rig => inFolder(folder => rounds(rig, join(folder, 'data'), rig.rounds(2, 20))),
}

async function rounds(rig: Rig, dataDir: string, count: number): Promise<string> {
  const { options, workload } = await sabotaged(rig, dataDir)
  let errors = 0
  let restarts = 0
  for (let round = 1; round <= count; round++)
    for (const failure of FAILURES) {
      rig.progress(`round ${round} of ${count}, ${failure}`)
      const server = await Server.start(options)
      await withSession(server, session => workload.check(session, server))
      const load = workload.run(server, EXPECTED)
      await moreCommits(workload, Math.ceil(rig.random() * 60), load)
      await fail(server, failure)
      // All clients have been told, or the server has ended, or nothing that fails was needed meanwhile.
      await Promise.race([load, server.exited, pause(AT_MOST)])
      await fail(server, 'work')
      // It goes on by itself, whether it has recovered from a crash or only refused some statements; but one that could
      // not recover, since files failed then too, has to be started again.
      if (!(await goesOn(server))) restarts++
      await server.kill()
      errors += (await load).length
    }
  const server = await Server.start(options)
  await checkAll(server, workload)
  if ((await server.stop()) !== 0) throw server.failure('did not shut down')
  return `${count * FAILURES.length} failures, ${errors} errors told to clients, ${restarts} servers ended; ${workload.acknowledged} commits, none lost`
}

/** Whether the server goes on. If not, it must have shut down. */
async function goesOn(server: Server): Promise<boolean> {
  try {
    await withSession(server, session => session.query('create table works as select 1; drop table works'))
    return true
  } catch (error) {
    // Clients notice its end first.
    const status = await Promise.race([server.exited, pause(AT_MOST)])
    if (status === 1 && server.log.includes('database system is shut down')) return false
    throw error
  }
}

async function fail(server: Server, failure: Extract<Message, { files: unknown }>['files']): Promise<void> {
  server.sabotage({ files: failure })
}
