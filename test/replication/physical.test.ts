/**
 * Physical replication between this server and a native one, in both directions: under load, with synchronous commit, slots and a
 * cascade, through the crash of the primary, a promotion, and the return of the old primary.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { contentsOf, requireSound } from '../fixtures/contents.js'
import { connectionTo, program18, run } from '../fixtures/native-programs.js'
import { type EitherServer, other, SharedDirectory, type Side } from '../fixtures/shared-directory.js'
import { until } from '../fixtures/until.js'

/** Milliseconds. */
const PATIENCE = 120_000
/** For how long, in seconds, pgbench works on a primary with standbys. */
const LOAD = 2

const directories: SharedDirectory[] = []
const servers = new Set<EitherServer>()
afterAll(async () => {
  // Those that a test that failed has left.
  await Promise.allSettled([...servers].map(server => server.kill()))
  for (const directory of directories) directory.remove()
})

async function start(
  directory: SharedDirectory,
  side: Side,
  settings: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<EitherServer> {
  const server = await directory.start(side, { ...SETTINGS, ...settings }, args)
  servers.add(server)
  const ended = async (how: 'stop' | 'kill') => {
    servers.delete(server)
    await server[how]()
  }
  return { ...server, stop: () => ended('stop'), kill: () => ended('kill') }
}

const SETTINGS = {
  hot_standby_feedback: 'on',
  wal_log_hints: 'on',
  wal_keep_size: '256MB',
  wal_receiver_status_interval: '1s',
  wal_retrieve_retry_interval: '200ms',
}

async function empty(): Promise<SharedDirectory> {
  const directory = await SharedDirectory.empty()
  directories.push(directory)
  return directory
}

/** A copy of a server's cluster by pg_basebackup. */
async function copyOf(server: EitherServer, ...options: string[]): Promise<SharedDirectory> {
  const directory = await empty()
  await directory.program(
    'pg_basebackup',
    ['--pgdata', directory.inside, '--checkpoint=fast', ...options],
    connectionTo(server),
  )
  return directory
}

/** The same with what makes a standby of it. The server gets a slot for it. */
const standbyOf = (server: EitherServer, slot: string) =>
  copyOf(server, '--write-recovery-conf', '--create-slot', '--slot', slot)

async function pgbench(server: EitherServer, args: string[]): Promise<void> {
  const { code, stderr } = await run(await program18('pgbench'), args, connectionTo(server))
  if (code !== 0) throw new Error(`pgbench ended with ${code}:\n${stderr}`)
}

/** Starts pgbench on a server that will be killed. */
async function startLoad(server: EitherServer): Promise<ChildProcess> {
  const child = (await program18('pgbench'))(['--client=4', '--time=60', '--no-vacuum'], connectionTo(server))
  child.stdout!.resume()
  child.stderr!.resume()
  return child
}

/** Commits one row after the other until the server is gone. Returns those that it has acknowledged. */
async function writeUntilLost(client: pg.Client): Promise<number[]> {
  const acknowledged: number[] = []
  try {
    for (let id = 1; ; id++) {
      await client.query('insert into promised values ($1)', [id])
      acknowledged.push(id)
    }
  } catch {
    return acknowledged
  }
}

/** Resolves when a standby has replayed what this server, a primary, has written until now. */
async function caughtUp(client: pg.Client, standby: pg.Client): Promise<void> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_flush_lsn()::text as lsn')
  await until('the standby has replayed all WAL', async () => {
    const replayed = await standby.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as is', [
      rows[0]!.lsn,
    ])
    return replayed.rows[0].is === true
  })
}

const number = async (client: pg.Client, query: string) =>
  Number(Object.values((await client.query(query)).rows[0])[0])

describe.each(['native', 'ours'] as const)('standbys of a primary that is %s', first => {
  const second = other(first)

  test(
    `follow under load, lose nothing when it is killed, and take it back as a standby of the one that is promoted`,
    async () => {
      const old = await SharedDirectory.make(first)
      directories.push(old)
      const primary = await start(old, first)
      await pgbench(primary, ['--initialize', '--quiet', '--scale=1'])
      const client = await primary.connect()
      await client.query('create table promised (id int primary key)')
      const load = await startLoad(primary)
      const loaded = once(load, 'close')

      // Both copies are made while pgbench writes. The second standby follows the first one.
      const copy = await standbyOf(primary, 'first')
      const standby = await start(copy, second)
      const cascaded = await standbyOf(standby, 'second')
      const last = await start(cascaded, first)

      const watcher = await standby.connect()
      const state = 'select state, sync_state from pg_stat_replication'
      await client.query("alter system set synchronous_standby_names = '*'")
      await client.query('select pg_reload_conf()')
      const stateOf = async (upstream: pg.Client) =>
        (await upstream.query(state)).rows.map(row => `${row.state} ${row.sync_state}`).join()
      await until(
        'the first is synchronous, and the second streams',
        async () =>
          (await stateOf(client)) === 'streaming sync' && (await stateOf(watcher)) === 'streaming async',
      )
      for (const upstream of [client, watcher])
        expect((await upstream.query('select active from pg_replication_slots')).rows).toEqual([
          { active: true },
        ])

      // What a query on a standby may still need is kept on the primary.
      const reader = await standby.connect()
      await reader.query('begin isolation level repeatable read; select count(*) from pgbench_history')
      await until('the primary knows of it', async () => {
        return (await client.query('select xmin from pg_replication_slots')).rows[0].xmin !== null
      })
      const writer = writeUntilLost(await primary.connect())
      await new Promise(resolve => setTimeout(resolve, LOAD * 1000))
      await reader.query('select sum(abalance) from pgbench_accounts; commit')

      await primary.kill()
      const acknowledged = await writer
      await loaded
      expect(acknowledged.length).toBeGreaterThan(10)
      expect(await number(watcher, 'select count(*) from pgbench_history')).toBeGreaterThan(100)

      await watcher.query("alter system set synchronous_standby_names = ''")
      expect((await watcher.query('select pg_promote()')).rows).toEqual([{ pg_promote: true }])
      await watcher.query('checkpoint')
      expect(await number(watcher, 'select timeline_id from pg_control_checkpoint()')).toBe(2)
      const { rows } = await watcher.query<{ id: number }>('select id from promised order by id')
      expect(rows.map(row => row.id).slice(0, acknowledged.length)).toEqual(acknowledged)

      await watcher.query("select pg_create_physical_replication_slot('third')")
      await old.program('pg_rewind', [
        ...['--target-pgdata', old.inside, '--write-recovery-conf', '--source-server'],
        `host=127.0.0.1 port=${standby.port} user=postgres dbname=postgres`,
      ])
      const returned = await start(old, first, { primary_slot_name: 'third' })
      await pgbench(standby, ['--client=4', '--transactions=100', '--no-vacuum'])
      await requireSound(watcher)
      const contents = await contentsOf(watcher)
      const followers = [await returned.connect(), await last.connect()]
      for (const follower of followers) {
        await caughtUp(watcher, follower)
        expect(await contentsOf(follower)).toEqual(contents)
        expect(await number(follower, 'select received_tli from pg_stat_wal_receiver')).toBe(2)
      }
      for (const server of [last, returned, standby]) await server.stop()
      for (const directory of [cascaded, old, copy]) await directory.program('pg_checksums', ['--check'])
    },
    PATIENCE,
  )

  test('follow by an archive alone, and recover to a point in it', { timeout: PATIENCE }, async () => {
    const [old, archive] = [await SharedDirectory.make(first), await empty()]
    directories.push(old)
    archive.give(first)
    const allow = ['--allow-dir', archive.path]
    const segment = `${archive.seenBy(first)}/%f`
    const archiving = { archive_mode: 'on', archive_command: `test ! -f ${segment} && cp %p ${segment}` }
    const primary = await start(old, first, archiving, allow)
    const copies = [await copyOf(primary), await copyOf(primary)] as const
    const client = await primary.connect()
    await client.query("create table kept as select i, repeat('text', i) from generate_series(1, 1000) i")
    const contents = await contentsOf(client)
    await client.query("select pg_create_restore_point('kept')")
    await client.query('create table later as select now(); drop table kept')
    const after = await contentsOf(client)
    await client.query('select pg_switch_wal()')
    await until('all is archived', async () => {
      const archived =
        'select last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 1) as is from pg_stat_archiver'
      return (await client.query(archived)).rows[0].is === true
    })
    await primary.stop()

    archive.give(second)
    const restoring = { archive_mode: 'off', restore_command: `cp ${archive.seenBy(second)}/%f %p` }
    const [restored, followed] = copies
    writeFileSync(join(restored.path, 'recovery.signal'), '')
    writeFileSync(join(followed.path, 'standby.signal'), '')
    const target = { recovery_target_name: 'kept', recovery_target_action: 'promote' }
    const server = await start(restored, second, { ...restoring, ...target }, allow)
    const session = await server.connect()
    await until(
      'it is promoted',
      async () => (await number(session, 'select pg_is_in_recovery()::int')) === 0,
    )
    expect(await contentsOf(session)).toEqual(contents)
    await server.stop()
    const standby = await start(followed, second, restoring, allow)
    const follower = await standby.connect()
    await until('it has replayed all', async () => {
      // A table may go while they are read.
      const now = await contentsOf(follower).catch(() => undefined)
      return JSON.stringify(now) === JSON.stringify(after)
    })
    expect(await number(follower, 'select pg_is_in_recovery()::int')).toBe(1)
    await standby.stop()
  })
})
