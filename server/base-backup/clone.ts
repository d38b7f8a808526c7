/** Makes a data directory that is a copy of a running server's cluster, for a server of its own or for a standby. */
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Client } from 'pg'
import type { Settings } from '../../wasm/cluster/settings.js'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { configuredSettings, linesOf } from '../configuration.js'
import { checkCluster, isCluster, openDataDirectory } from '../data-directory/data-directory.js'
import { adapted, configurationFile } from '../made-elsewhere.js'
import { syncPath, syncTree } from '../new-cluster/template.js'
import type { BackupOptions } from './base-backup.js'
import { clientFor, connectTo, type PrimaryConnection, primaryConnection, shown } from './source.js'

/** The options of cloneDataDirectory(). */
export interface CloneOptions extends BackupOptions {
  /** Makes a standby, which follows the server when it is started. Default: false. */
  readonly standby?: boolean | undefined
  /**
   * A physical replication slot of that server, which keeps the WAL that the standby still needs; it is made if there is none. The
   * server keeps WAL also while there is no standby: drop the slot when you give up the standby. Default: none.
   */
  readonly slot?: string | undefined
}

/** Settings of which a standby must have at least as much as its primary. */
const AT_LEAST = [
  ...['max_connections', 'max_worker_processes', 'max_wal_senders'],
  ...['max_prepared_transactions', 'max_locks_per_transaction'],
]

const STANDBY = 'standby.signal'
const CONFIGURATION = 'postgresql.conf'

/** The pg_hba.conf of a copy to which the base backup brought none. Roles have the same passwords as in the original. */
const RULES = `# This cluster is a copy. The original keeps its rules outside its data directory.
local   all             all                                     trust
host    all             all             127.0.0.1/32            scram-sha-256
host    all             all             ::1/128                 scram-sha-256
`

/**
 * Copies the cluster of a running PostgreSQL 18 into a data directory, by a base backup, while that server goes on. The copy is whole and
 * durable when this resolves. If it rejects, nothing of it is left.
 *
 * @param dataDir a directory that is missing or empty
 * @param url postgres://…, of a role that may replicate
 * @returns a line for each setting that means something else here than there, or does not apply
 * @throws StartupError when the server cannot be reached or gives no backup, or the directory is not empty
 */
export async function cloneDataDirectory(
  dataDir: string,
  url: string,
  options: CloneOptions = {},
): Promise<string[]> {
  const { takeBaseBackup } = await import('./base-backup.js')
  const client = await connectTo(url)
  try {
    const connection = options.standby ? primaryConnection(client, url) : undefined
    const directory = await openDataDirectory(dataDir, async copy => {
      if (options.slot !== undefined) await ensureSlot(client, options.slot)
      await takeBaseBackup(client, copy, options)
      checkCluster(copy)
      await addConfiguration(client, copy)
      keepTablespacesInside(copy)
      if (connection !== undefined) follow(copy, connection, options)
      syncTree(copy)
    })
    directory.release()
    await client.end()
    return changesIn(directory.path, options.standby ?? false)
  } catch (error) {
    // The server may be in the middle of a backup.
    closeAtOnce(client)
    throw error
  }
}

/**
 * Makes a data directory that follows a server: a missing or empty one becomes a standby by a base backup, and one that is a standby
 * already follows this server from its next start on.
 *
 * @throws StartupError as cloneDataDirectory() does, and when the directory has a cluster that is no standby
 */
export async function makeStandby(dataDir: string, url: string, options: CloneOptions = {}): Promise<void> {
  const path = resolve(dataDir)
  if (!isCluster(path)) {
    await cloneDataDirectory(dataDir, url, { ...options, standby: true })
    return
  }
  if (!existsSync(join(path, STANDBY)))
    throw new StartupError(
      `the cluster in "${path}" is no standby: name an empty or a new directory, which gets a copy of ${shown(url)}`,
    )
  const connection = primaryConnection(await clientFor(url), url)
  copyFiles(path, connection)
  const settings = { primary_conninfo: connection.info, ...slotSetting(options) }
  const altered = configuredSettings(path)
  if (Object.entries(settings).some(([name, value]) => altered[name] !== value)) alter(path, settings)
}

/** A line for each setting of a copy that means something else here than in the original, or does not apply. */
export function changesIn(path: string, standby: boolean): string[] {
  const file = configurationFile(path)
  const configured = configuredSettings(path, file)
  const { settings, notes } = adapted(path, file, configured, {})
  const { archive_mode = 'off', archive_command, synchronous_standby_names } = { ...configured, ...settings }
  if (standby) return [...notes]
  return [
    ...notes,
    ...(archive_mode === 'off'
      ? []
      : [
          `archive_mode = '${archive_mode}', archive_command = '${archive_command}': change it, or the copy writes into the original's archive`,
        ]),
    ...(synchronous_standby_names
      ? [
          `synchronous_standby_names = '${synchronous_standby_names}': reset it, or commits wait for standbys that follow the original`,
        ]
      : []),
  ]
}

/** @throws StartupError in the server's words */
async function ensureSlot(client: Client, slot: string): Promise<void> {
  try {
    await client.query(`CREATE_REPLICATION_SLOT "${slot}" PHYSICAL (RESERVE_WAL)`)
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    // duplicate_object
    if (code !== '42710') throw new StartupError(`cannot make replication slot "${slot}": ${message}`)
  }
}

/** Recovery accepts directories as tablespaces only with a setting, which a copy gets if it has some. */
export function keepTablespacesInside(copy: string): void {
  if (readdirSync(join(copy, 'pg_tblspc')).length > 0) alter(copy, { allow_in_place_tablespaces: 'on' })
}

/** Debian keeps configuration files elsewhere, and a base backup has only those in the data directory. */
async function addConfiguration(client: Client, directory: string): Promise<void> {
  if (!existsSync(join(directory, CONFIGURATION))) {
    const lines = [
      '# This cluster is a copy. The original keeps its settings outside its data directory. As a standby, this one needs at least these values.',
    ]
    for (const name of AT_LEAST) lines.push(`${name} = ${(await client.query(`SHOW ${name}`)).rows[0][name]}`)
    write(directory, CONFIGURATION, `${lines.join('\n')}\n`)
  }
  if (!existsSync(join(directory, 'pg_hba.conf'))) write(directory, 'pg_hba.conf', RULES)
  if (!existsSync(join(directory, 'pg_ident.conf'))) write(directory, 'pg_ident.conf', '')
}

function follow(directory: string, connection: PrimaryConnection, options: CloneOptions): void {
  copyFiles(directory, connection)
  // A copy of a standby also has the name of the slot that the standby uses.
  alter(directory, { primary_conninfo: connection.info, primary_slot_name: '', ...slotSetting(options) })
  write(directory, STANDBY, '')
}

const slotSetting = ({ slot }: CloneOptions): Settings =>
  slot === undefined ? {} : { primary_slot_name: slot }

/** Does what ALTER SYSTEM does. No server may run on the directory. */
function alter(directory: string, settings: Settings): void {
  const file = join(directory, 'postgresql.auto.conf')
  const kept = linesOf(file).filter(
    line => line !== '' && !Object.keys(settings).includes(line.split(' ')[0]!),
  )
  const added = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replace(/['\\]/g, '$&$&')}'`,
  )
  const unfinished = `${file}.tmp`
  writeFileSync(unfinished, `${[...kept, ...added].join('\n')}\n`, { mode: 0o600 })
  syncPath(unfinished)
  renameSync(unfinished, file)
  syncPath(directory)
}

function copyFiles(directory: string, { files }: PrimaryConnection): void {
  for (const { from, to } of files) write(directory, to, readFileSync(from))
}

function write(directory: string, name: string, text: string | Uint8Array): void {
  writeFileSync(join(directory, name), text, { mode: 0o600 })
}

function closeAtOnce({ connection }: Client): void {
  connection.stream.destroy()
}
