/** The end of single processes while clients write: each kind of process, by force and by a trap in its code. */
import { join } from 'node:path'
import { checkAll, type Fault, inFolder, moreCommits, type Rig, sabotaged, withSession } from './fault.js'
import { inTime, Server, type ServerOptions } from './server.js'
import type { Workload } from './workload.js'

/** As pg_stat_activity calls them. All others end with one of these, and start again. */
const KINDS = [
  'client backend',
  'checkpointer',
  'background writer',
  'walwriter',
  'autovacuum launcher',
  'logical replication launcher',
] as const

const WAYS = ['kill', 'trap'] as const
type Way = (typeof WAYS)[number]

export const processes: Fault = {
  name: 'processes',
  about: 'the end of single processes of each kind, by force and by a trap',
  run: rig => inFolder(folder => everyProcess(rig, join(folder, 'data'))),
}

async function everyProcess(rig: Rig, dataDir: string): Promise<string> {
  const { options, workload } = await sabotaged(rig, dataDir)
  let server = await Server.start(options)
  let ends = 0
  for (let round = rig.rounds(1, 10); round > 0; round--) {
    for (const way of WAYS) {
      for (const kind of KINDS) {
        await underLoad(rig, server, workload, `a ${kind}, ${way}`, async () =>
          end(server, await pidOf(server, kind), way),
        )
        await withSession(server, session => workload.check(session, server))
        ends++
      }
      await underLoad(rig, server, workload, `the postmaster, ${way}`, async () =>
        end(server, server.child.pid!, way),
      )
      await requireEnd(server)
      await endStartup(options, way)
      server = await Server.start(options)
      await checkAll(server, workload)
      ends += 2
    }
  }
  if ((await server.stop()) !== 0) throw server.failure('did not shut down')
  return `${ends} processes of ${KINDS.length + 2} kinds; ${workload.acknowledged} commits, none lost`
}

/** Does something after some commits, and waits until all clients have lost their connections by it. */
async function underLoad(
  rig: Rig,
  server: Server,
  workload: Workload,
  what: string,
  act: () => Promise<void>,
): Promise<void> {
  rig.progress(what)
  const load = workload.run(server)
  await moreCommits(workload, Math.ceil(rig.random() * 60), load)
  await act()
  await inTime(`clients that lose their connections by the end of ${what}`, load, server)
}

function end(server: Server, pid: number, way: Way): void {
  server.sabotage(way === 'kill' ? { kill: pid } : { trap: pid, reload: true })
}

async function pidOf(server: Server, kind: string): Promise<number> {
  return withSession(server, async session => {
    const { rows } = await session.query(
      'select pid from pg_stat_activity where backend_type = $1 and pid <> pg_backend_pid()',
      [kind],
    )
    if (rows.length === 0) throw server.failure(`has no ${kind}`)
    return rows[0].pid
  })
}

/** Ends the postmaster: then the program has to end too, and say why. */
async function requireEnd(server: Server): Promise<void> {
  const code = await inTime('the end of a server whose postmaster has ended', server.exited, server)
  if (code === 0) throw server.failure('ended as if all were well, though its postmaster crashed')
}

/** Ends the process that recovers, which ends the server. */
async function endStartup(options: ServerOptions, way: Way): Promise<void> {
  const server = new Server(options)
  const pid = await server.logged(/\[(\d+)\] LOG: {2}database system was (?:interrupted|not properly)/)
  end(server, Number(pid), way)
  // It may have recovered before.
  if (await server.ready()) await server.kill()
  else await requireEnd(server)
}
