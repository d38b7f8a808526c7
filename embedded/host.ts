/** What an embedded server runs on: its bundle, its files, and the system around it. */
import type { FileLayer } from '../wasm/host/file-layer.js'
import type { System } from '../wasm/host/system.js'
import type { ModuleHost } from '../wasm/postgres-module.js'
import type { Bundle } from './bundle.js'
import { DATA } from './files.js'

export interface EmbeddedHost {
  readonly module: Bundle
  readonly system: System
  /** Files as one process sees them; the cluster is in DATA. */
  files(): FileLayer
  /** Resolves when all is durable that processes have asked to be; undefined when it is already. */
  readonly durable?: (() => Promise<void> | undefined) | undefined
  readonly settings: Readonly<Record<string, string>>
  log(text: string): void
}

export const POSTGRES_PATH = '/pgsql/bin/postgres'

export const ENVIRONMENT = { PATH: '/pgsql/bin', LC_ALL: 'C', TZ: 'UTC', ICU_DATA: '/pgsql/share' }

/** Its own, of which there is no other in here. */
export const PID = 1

/** A Worker has 128 MB for everything. In pages of 64 KiB. */
export const MAXIMUM_PAGES = 1536

/** The same for one backend and no server. */
export function moduleHostOf({ module, system, files, settings, log }: EmbeddedHost): ModuleHost {
  return {
    programs: module.programs,
    system,
    files: files(),
    postgresPath: POSTGRES_PATH,
    environment: ENVIRONMENT,
    dataDir: DATA,
    settings,
    pid: PID,
    maximumPages: MAXIMUM_PAGES,
    onLog: log,
  }
}
