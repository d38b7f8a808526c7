/** Opens a cluster for a server, in an object's storage or in memory: the cluster's files and the server's settings. */
import {
  DATA,
  identifyCluster,
  templateIn,
  unpackCluster,
  volumeInMemory,
  withInstallation,
} from '../embedded/files.js'
import { type EmbeddedHost, pagesOf } from '../embedded/host.js'
import type { ServerModule } from '../embedded/server-module.js'
import { PATIENCE, SMALL, VOLATILE, walSizes } from '../embedded/settings.js'
import { SessionRefused } from '../wasm/cluster/session-refused.js'
import { type GivenSettings, settingsText } from '../wasm/cluster/settings.js'
import { mountAt, mountedFiles } from '../wasm/machine/volume/mounted-files.js'
import { HBA, HBA_FILE } from './remote-access.js'
import { runningFilesApart } from './running-files.js'
import type { Loss } from './storage/changes.js'
import { limitedFiles } from './storage/limited-files.js'
import { openObjectCluster } from './storage/object-cluster.js'
import type { ObjectStorage } from './storage/object-storage.js'
import { templateOf } from './storage/template.js'
import { workersSystem } from './system.js'
import { watchedWal } from './wal-watch.js'

/** Where a cluster is kept, and the settings of its server. */
export interface ClusterOptions {
  /** What `pglite-imports-server/workers/module` exports. */
  module: ServerModule
  /**
   * Where the cluster is kept: a Durable Object's `ctx.storage`, of a class with SQLite storage. If it has no cluster, the server makes
   * one. The storage may have other tables; the server does not touch them. Without `storage` the cluster is in memory, and is lost
   * when the server ends.
   */
  storage?: ObjectStorage | undefined
  /**
   * When the storage, with the object's other tables, has more bytes than this, PostgreSQL's tables and indexes cannot grow: statements
   * fail with 53100 (disk_full). Default: 9 GB, which leaves room for WAL below the platform's limit of 10 GB.
   */
  maxSize?: number | undefined
  /**
   * How many bytes PostgreSQL may use for all its sessions together: from 40 MB to 4 GB. A statement that needs more fails with 53200
   * (out_of_memory). Default: 96 MB, because a Worker has 128 MB for everything.
   */
  maxMemory?: number | undefined
  /** Any settings of PostgreSQL (postgresql.org/docs/18/runtime-config.html). */
  settings?: GivenSettings | undefined
  /** A function for PostgreSQL's log, called with one or more complete lines. Default: none. */
  log?: ((text: string) => void) | undefined
}

/** Default of `maxSize`. */
export const MAX_SIZE = 9e9

/** The storage never writes half a page (storage/object-store.ts), and PostgreSQL tells it by fdatasync what must be durable. */
const DURABLE = { full_page_writes: 'off' }
const DURABLE_REQUIRED = { wal_sync_method: 'fdatasync' }

export interface OpenCluster {
  readonly host: EmbeddedHost
  /** To be called when the server has recovered. */
  started(): void
  /** Lets another server have it. */
  release(): void
}

/** What a cluster's files report to the server. */
export interface ClusterEvents {
  /** PostgreSQL writes to the WAL. */
  onWal(): void
  /** The files are no longer those that the server knows, or the server cannot know whether a commit will last. */
  onLoss(reason: SessionRefused): void
}

const UNHEARD: ClusterEvents = { onWal() {}, onLoss() {} }

export function openCluster(options: ClusterOptions, events: ClusterEvents = UNHEARD): OpenCluster {
  const { module, storage, maxSize = MAX_SIZE, log = () => {} } = options
  const settings = settingsText(options.settings ?? {})
  const around = volumeInMemory()
  around.put(HBA_FILE, new TextEncoder().encode(HBA), 0o600)
  const host = { module, system: workersSystem, maximumPages: pagesOf(options.maxMemory), log }
  const filesOfTemplate = () => templateOf(module)?.files ?? templateIn(module)
  const small = { ...SMALL, ...PATIENCE, hba_file: HBA_FILE }
  if (storage === undefined) {
    unpackCluster(filesOfTemplate(), around, DATA)
    const all = { ...small, ...VOLATILE, ...settings }
    return {
      host: {
        ...host,
        files: () => watchedWal(withInstallation(module, around), events.onWal),
        settings: all,
      },
      started: () => {},
      release: () => {},
    }
  }
  const { volume, durable, look, snapshot, walSegmentSize, release } = openObjectCluster(
    storage,
    module,
    {
      fill: empty => unpackCluster(filesOfTemplate(), empty, ''),
      change: (made, { files }) => identifyCluster(files, made),
    },
    loss => events.onLoss(LOSSES[loss]),
  )
  // Recovery may write beyond the limit: what it writes had room before the crash.
  let started = false
  const isFull = () => started && storage.sql.databaseSize > maxSize
  const files = () => {
    const cluster = runningFilesApart(limitedFiles(volume.files(), isFull), around.files())
    return watchedWal(mountedFiles(withInstallation(module, around), [mountAt(DATA, cluster)]), events.onWal)
  }
  const all = { ...small, ...walSizes(walSegmentSize), ...DURABLE, ...settings, ...DURABLE_REQUIRED }
  return {
    host: { ...host, files, durable, look, snapshot, settings: all },
    started: () => {
      started = true
    },
    release,
  }
}

/** What the host tells clients when it has to end their server. */
const LOSSES: Readonly<Record<Loss, SessionRefused>> = {
  deleted: new SessionRefused('57P01', "terminating connection because the object's storage was deleted"),
  undone: new SessionRefused(
    '58030',
    "terminating connection because the object's storage has lost writes, which may include acknowledged commits",
    'When a closure of ctx.storage.transaction() throws, the storage undoes everything that was written meanwhile.',
  ),
  'in transaction': new SessionRefused(
    '40003',
    'terminating connection because nothing can be made durable within ctx.storage.transaction()',
    'The end of that transaction decides whether PostgreSQL has committed. Let PostgreSQL commit before or after it.',
  ),
}

/** PostgreSQL's max_connections. */
export function maxConnections({ settings = {} }: ClusterOptions): number {
  return Number(settings.max_connections ?? SMALL.max_connections)
}
