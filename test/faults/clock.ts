/** A clock that jumps while clients write: neither commits nor timeouts may hang on the time of day. */
import { join } from 'node:path'
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
import { Failure, inTime, Server } from './server.js'

/** Milliseconds from the right time. */
const HOUR = 3_600_000
const TIMES = [HOUR, -HOUR, 0, 365 * 24 * HOUR, 0]

/** The host looks at the time of day at least this often, in milliseconds. */
const NOTICED = 1100

export const clock: Fault = {
  name: 'clock',
  about: 'a clock that jumps by hours and by a year, there and back',
  run: rig => inFolder(folder => jumps(rig, join(folder, 'data'), rig.rounds(1, 10))),
}

async function jumps(rig: Rig, dataDir: string, count: number): Promise<string> {
  const { options, workload } = await sabotaged(rig, dataDir)
  const server = await Server.start(options)
  const load = workload.run(server)
  for (let round = 1; round <= count; round++)
    for (const time of TIMES) {
      rig.progress(`round ${round} of ${count}: ${time / HOUR} hours`)
      server.sabotage({ clock: time })
      await pause(NOTICED)
      await requireTime(server, time)
      await inTime('commits', moreCommits(workload, 20, load), server)
    }
  await server.kill()
  await load
  const again = await Server.start(options)
  await checkAll(again, workload)
  if ((await again.stop()) !== 0) throw again.failure('did not shut down')
  return `${count * TIMES.length} jumps; ${workload.acknowledged} commits, none lost`
}

/** The server tells the new time, and a timeout of half a second is neither over at once nor never. */
async function requireTime(server: Server, time: number): Promise<void> {
  await withSession(server, async session => {
    const { rows } = await session.query('select extract(epoch from clock_timestamp())::float * 1000 as now')
    if (Math.abs(rows[0].now - Date.now() - time) > 60_000)
      throw new Failure(`the clock jumped by ${time} ms, and clock_timestamp() tells ${rows[0].now}`, server)
    await session.query("set statement_timeout = '500ms'")
    const began = performance.now()
    const error = await inTime(
      'statement_timeout',
      session.query('select pg_sleep(60)').catch((error: { code?: string }) => error),
      server,
    )
    const took = performance.now() - began
    if (!('code' in error) || error.code !== '57014' || took < 450)
      throw new Failure(`a statement_timeout of 500 ms after a jump by ${time} ms: ${took} ms`, server)
  })
}
