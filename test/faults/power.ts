/**
 * Power failures. While clients write, the recorder records every write, sync and rename of the server. Then this file makes disks as they may
 * look if the power had failed at some moment, and starts a server on each: all that it had acknowledged by then must be there.
 */
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Disk, type Entry, readRecord } from './disk.js'
import { BUSY, checkAll, type Fault, moreCommits, prepared, type Rig } from './fault.js'
import { Failure, Server, type ServerOptions } from './server.js'
import { Workload } from './workload.js'

const CLIENTS = 4

export const power: Fault = {
  name: 'power',
  about: 'power failures: what had not been synced is lost, or there in part',
  async run(rig) {
    // Whether something is durable is seen from the record, so the files themselves can be in memory.
    const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'faults-'))
    try {
      const states = rig.rounds(12, 300)
      const sessions = Math.ceil(states / 20)
      let moments = 0
      for (let n = 1; n <= sessions; n++)
        moments += await session(rig, folder, Math.ceil(states / sessions), {})
      await requireLoss(rig, folder)
      return `${states} disks after failures at moments among ${moments} writes, syncs and renames; nothing lost. With fsync off, something was`
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** One server's life, and disks from it. Returns how many moments there were. */
async function session(
  rig: Rig,
  folder: string,
  states: number,
  settings: Readonly<Record<string, string>>,
): Promise<number> {
  const { options, entries, snapshot } = await recorded(rig, join(folder, 'recorded'), settings)
  const disk = new Disk(options.dataDir, snapshot)
  const acknowledged = new Map<number, number>()
  const moments = momentsOf(rig, entries, states)
  for (const [index, entry] of entries.entries()) {
    const { call, client, seq } = entry.event
    if (call === 'acknowledged') acknowledged.set(client!, seq!)
    else disk.do(entry)
    if (!moments.has(index)) continue
    const left = join(folder, 'left')
    // Nothing of the cache, all of it, or any part: each finds other mistakes.
    const share = [0, 0, 1, rig.random()][Math.floor(rig.random() * 4)]!
    disk.write(left, rig.random, share)
    rig.progress(`moment ${index} of ${entries.length}`)
    const server = new Server({ ...options, dataDir: left })
    if (!(await server.ready()))
      throw server.failure(`did not start on a disk of moment ${index}, share ${share}`)
    await checkAll(server, Workload.knowing(CLIENTS, acknowledged))
    await server.kill()
    rmSync(left, { recursive: true, force: true })
  }
  rmSync(join(folder, 'recorded'), { recursive: true, force: true })
  return entries.length
}

/** Records a server under load, from a cluster that is whole to the server's end by kill -9. */
async function recorded(rig: Rig, folder: string, settings: Readonly<Record<string, string>>) {
  mkdirSync(folder, { recursive: true })
  const dataDir = join(folder, 'data')
  const snapshot = join(folder, 'snapshot')
  const record = join(folder, 'record')
  const options: ServerOptions = {
    dataDir,
    node: rig.node,
    threads: rig.threads,
    settings: { ...BUSY, ...settings },
  }
  const workload = new Workload(CLIENTS)
  await prepared(options, workload)
  cpSync(dataDir, snapshot, { recursive: true })
  const server = await Server.start({ ...options, preload: ['recorder'], env: { RECORD: record } })
  workload.onAcknowledged = (client, seq) => {
    const head = Buffer.from(JSON.stringify({ call: 'acknowledged', client, seq }))
    const lengths = Buffer.alloc(8)
    lengths.writeUInt32LE(head.length, 0)
    appendFileSync(record, Buffer.concat([lengths, head]))
  }
  const load = workload.run(server)
  await moreCommits(workload, 150 + Math.floor(rig.random() * 150), load)
  await server.kill()
  await load
  return { options, snapshot, entries: readRecord(record) }
}

/** Half of them right after an acknowledgement, which is when most must be on the disk. */
function momentsOf(rig: Rig, entries: readonly Entry[], count: number): Set<number> {
  const acknowledgements = entries.flatMap(({ event }, index) => (event.call === 'acknowledged' ? index : []))
  const moments = new Set<number>()
  while (moments.size < Math.min(count, entries.length)) {
    const among = rig.random() < 0.5 ? acknowledgements : undefined
    const pick = Math.floor(rig.random() * (among ?? entries).length)
    moments.add(among === undefined ? pick : among[pick]!)
  }
  return moments
}

/** Shows that this test can fail: a server that does not sync loses something. */
async function requireLoss(rig: Rig, folder: string): Promise<void> {
  try {
    await session({ ...rig, random: () => 0 }, folder, 1, { fsync: 'off' })
  } catch (error) {
    if (error instanceof Failure) {
      await error.server?.kill()
      rmSync(join(folder, 'left'), { recursive: true, force: true })
      return
    }
    throw error
  }
  throw new Failure('a server with fsync off lost nothing: the rig does not see what it should')
}
