/** What an embedded server runs on: its server module, its files, and the system around it. */
import type { ModuleHost } from '../wasm/cluster/postgres-module.js'
import { NPAGE, PAGE_SIZE } from '../wasm/machine/abi.js'
import type { FileLayer } from '../wasm/machine/host/file-layer.js'
import type { System } from '../wasm/machine/host/system.js'
import { DATA } from './files.js'
import type { ServerModule } from './server-module.js'

/** A cluster's files as they were at one moment, to be read once, while they go on being changed. */
export interface ClusterSnapshot {
  /** The data directory is the root. */
  readonly files: FileLayer
  /** @throws Error if what was read is not what there was */
  check(): void
  /** Has reading fail. */
  fail(error: Error): void
  /** Nobody reads any more. */
  end(): void
}

export interface EmbeddedHost {
  readonly module: ServerModule
  readonly system: System
  /** Returns the files for one process, with handles of its own. The data directory is DATA. */
  files(): FileLayer
  /** Resolves when all is durable that processes have asked to be; undefined when it is already. */
  readonly durable?: (() => Promise<void> | undefined) | undefined
  /** Looks whether the files are those that the server knows; who keeps them tells if they are not. */
  readonly look?: (() => void) | undefined
  /** What there is now. @throws Error when there is another snapshot already */
  readonly snapshot?: (() => ClusterSnapshot) | undefined
  readonly settings: Readonly<Record<string, string>>
  /** The linear memory's limit, in pages of 64 KiB. */
  readonly maximumPages: number
  log(text: string): void
}

export const POSTGRES_PATH = '/pgsql/bin/postgres'

export const ENVIRONMENT = { PATH: '/pgsql/bin', LC_ALL: 'C', TZ: 'UTC', ICU_DATA: '/pgsql/share' }

/** The postmaster's PID: there is no other program whose PID could be the same. */
export const PID = 1

const MEGABYTE = 1 << 20
/** Bytes, by default: a Worker has 128 MB for everything. */
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

/** The same for a backend without a server. */
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
