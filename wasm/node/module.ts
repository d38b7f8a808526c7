/** One backend in this thread under Node: on a data directory, or on a cluster in memory. */
import {
  type InstantiateOptions,
  instantiatePostgres,
  type PostgresModule,
} from '../cluster/postgres-module.js'
import type { FileLayer } from '../machine/host/file-layer.js'
import { ICU_DATA_FOLDER } from '../machine/postgres-abi.js'
import { memoryVolume } from '../machine/volume/memory-files.js'
import { mountAt, mountedFiles } from '../machine/volume/mounted-files.js'
import { artefactsFolder, commonEnvironment, installedAt, loadPrograms, serverPath } from './artefacts.js'
import { confinedFiles } from './confined-files.js'
import { posixPath, realPath } from './paths.js'
import { nodeSystem } from './system.js'
import { readTemplate } from './template.js'

/** The options of createPostgresModule(). */
export interface PostgresModuleOptions extends InstantiateOptions {
  /** A data directory. Default: a new cluster in memory, which is lost with the module. */
  dataDir?: string
  /** PostgreSQL's settings. */
  settings?: Readonly<Record<string, string>>
  /** Called with PostgreSQL's log, one or more complete lines at a time. Default: the log is dropped. */
  onLog?: (text: string) => void
}

const MEMORY_DATA_DIR = '/data'
/** The path at which the server's own files appear beside files in memory. */
const INSTALLED_AT = '/pgsql'

const installed = () => ({
  path: installedAt(),
  real: posixPath(realPath(artefactsFolder())),
  writable: false,
})

/** The computer's files that the module needs: the installation's and, if there is one, the data directory. */
function ownFiles(dataDir?: string): FileLayer {
  const cluster =
    dataDir === undefined
      ? []
      : [{ path: posixPath(dataDir), real: posixPath(realPath(dataDir)), writable: true }]
  return confinedFiles({ folders: [...cluster, installed()], files: [], overlays: [] })
}

function newCluster(): FileLayer {
  const volume = memoryVolume()
  const files = volume.files()
  files.mkdir('/tmp', 0o777)
  files.mkdir(MEMORY_DATA_DIR, 0o700)
  for (const { name, read } of readTemplate()) {
    const path = `${MEMORY_DATA_DIR}/${name}`
    if (read === undefined) files.mkdir(path, 0o700)
    else volume.put(path, Uint8Array.from(read()), 0o600)
  }
  files.mkdir(INSTALLED_AT, 0o755)
  return mountedFiles(files, [mountAt(INSTALLED_AT, ownFiles(), installedAt())])
}

/** Starts one backend without a server. An import handler gives it input, which the backend processes to completion. */
export async function createPostgresModule(options: PostgresModuleOptions = {}): Promise<PostgresModule> {
  const { dataDir, settings = {}, onLog = () => {} } = options
  const place =
    dataDir === undefined
      ? {
          files: newCluster(),
          dataDir: MEMORY_DATA_DIR,
          postgresPath: `${INSTALLED_AT}/bin/postgres`,
          environment: { ...commonEnvironment(), [ICU_DATA_FOLDER]: `${INSTALLED_AT}/share` },
        }
      : {
          files: ownFiles(dataDir),
          dataDir: posixPath(dataDir),
          postgresPath: serverPath(),
          environment: commonEnvironment(),
        }
  const host = { programs: loadPrograms(), system: nodeSystem, pid: process.pid }
  return instantiatePostgres({ ...host, ...place, settings, onLog }, options)
}
