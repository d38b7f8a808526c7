/** What an embedded server needs: its server module, its files, and the system around it. */
import type { ModuleHost } from '../wasm/cluster/postgres-module.js'
import { NPAGE, PAGE_SIZE } from '../wasm/machine/abi.js'
import type { FileLayer } from '../wasm/machine/host/file-layer.js'
import type { System } from '../wasm/machine/host/system.js'
import { ICU_DATA_FOLDER } from '../wasm/machine/postgres-abi.js'
import { DATA, SHARE } from './files.js'
import type { ServerModule } from './server-module.js'

/** A cluster's files as they were at one moment. A backup reads them once, while the server goes on changing them. */
export interface ClusterSnapshot {
  /** The files; the data directory is their root. */
  readonly files: FileLayer
  /** @throws Error if the backup has read something else than the files had at that moment */
  check(): void
  /** Makes reading fail from now on. */
  fail(error: Error): void
  /** To be called when the backup has ended. */
  end(): void
}

export interface EmbeddedHost {
  readonly module: ServerModule
  readonly system: System
  /** Returns the files for one process, with handles of its own. The data directory is DATA. */
  files(): FileLayer
  /** Resolves when all that processes have synced is durable; returns undefined when it is already. */
  readonly durable?: (() => Promise<void> | undefined) | undefined
  /** Checks whether the files are still those that the server knows. If they are not, their storage abandons the server. */
  readonly look?: (() => void) | undefined
  /** Returns the files as they are now. @throws Error when there is another snapshot already */
  readonly snapshot?: (() => ClusterSnapshot) | undefined
  readonly settings: Readonly<Record<string, string>>
  /** The linear memory's limit, in pages of 64 KiB. */
  readonly maximumPages: number
  log(text: string): void
}

export const POSTGRES_PATH = '/pgsql/bin/postgres'

export const ENVIRONMENT = { PATH: '/pgsql/bin', LC_ALL: 'C', TZ: 'UTC', [ICU_DATA_FOLDER]: SHARE }

/** The postmaster's PID. No other program runs here, so none has the same PID. */
export const PID = 1

const MEGABYTE = 1 << 20
/** The default of `maxMemory`, in bytes: a Worker has 128 MB for everything. */
export const MAX_MEMORY = 96 * MEGABYTE
const LEAST_MEMORY = 40 * MEGABYTE

/**
 * The number of pages in `maxMemory` bytes.
 *
 * @throws RangeError if it is less than a server needs, or more than 4 GB
 */
export function pagesOf(maxMemory: number = MAX_MEMORY): number {
  const pages = Math.floor(maxMemory / PAGE_SIZE)
  if (maxMemory >= LEAST_MEMORY && pages <= NPAGE) return pages
  throw new RangeError(`maxMemory, in bytes, must be from 40 MB to 4 GB: ${maxMemory}`)
}

/** The host of a backend without a server. */
export function moduleHostOf(host: EmbeddedHost): ModuleHost {
  const { module, system, files, settings, maximumPages, log } = host
  return {
    programs: module.programs,
    system,
    files: files(),
    postgresPath: POSTGRES_PATH,
    environment: ENVIRONMENT,
    dataDir: DATA,
    settings,
    pid: PID,
    maximumPages,
    onLog: log,
  }
}
