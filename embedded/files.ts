/** Unpacks the files of a server module: the server's own, and those of a new cluster. */
import { identified, newSystemIdentifier } from '../wasm/cluster/control-file.js'
import { pathInTemplate, TEMPLATE } from '../wasm/cluster/files-bin.js'
import type { FileLayer, OpenFlags } from '../wasm/machine/host/file-layer.js'
import { BLCKSZ, ICU_DATA_FILE, LOCALES_FILE } from '../wasm/machine/postgres-abi.js'
import { memoryVolume } from '../wasm/machine/volume/memory-files.js'
import { mountAt, mountedFiles } from '../wasm/machine/volume/mounted-files.js'
import { readOnlyFiles } from '../wasm/machine/volume/read-only-files.js'
import type { Volume } from '../wasm/machine/volume/volume.js'
import { filesIn, type ServerModule } from './server-module.js'

/** The data directory. */
export const DATA = TEMPLATE

const INSTALLED_AT = '/pgsql'

/** The folder of the files that PostgreSQL's installation has in share/. */
export const SHARE = `${INSTALLED_AT}/share`

/** The names there of the data that a server module may have. */
const DATA_FILES = { icu: ICU_DATA_FILE, locales: LOCALES_FILE } as const

const WRITE: OpenFlags = {
  ...{ read: false, write: true, create: false, exclusive: false },
  ...{ truncate: false, append: false, sync: false, noFollow: false },
}

/** A volume for what a server has in memory, with a directory for temporary files. */
export function volumeInMemory(): Volume {
  const volume = memoryVolume()
  volume.files().mkdir('/tmp', 0o777)
  return volume
}

/** The server's own files, by module. */
const installations = new WeakMap<ServerModule, Volume>()

/** The files of a volume for one process, and the server's own files, which all servers of a module share and none can change. */
export function withInstallation(module: ServerModule, volume: Volume): FileLayer {
  const installed = installations.get(module) ?? unpackServer(module)
  installations.set(module, installed)
  return mountedFiles(volume.files(), [mountAt(INSTALLED_AT, readOnlyFiles(installed.files()), INSTALLED_AT)])
}

function unpackServer(module: ServerModule): Volume {
  const volume = memoryVolume()
  const files = volume.files()
  for (const { path, content } of filesIn(new Uint8Array(module.files))) {
    if (content === undefined) files.mkdir(path, 0o700)
    else volume.put(path, content, 0o700)
  }
  for (const name of ['icu', 'locales'] as const) {
    const data = module[name]
    if (data !== undefined) volume.put(`${SHARE}/${DATA_FILES[name]}`, new Uint8Array(data), 0o600)
  }
  return volume
}

/**
 * Puts a new cluster, with an identity of its own, into a directory of a volume. Makes the directory, unless it is the root, ''.
 *
 * @param template template.bin
 */
export function unpackCluster(template: Uint8Array, volume: Volume, directory: string): void {
  const files = volume.files()
  const systemIdentifier = newSystemIdentifier()
  for (const { path, content } of filesIn(template)) {
    const place = directory + pathInTemplate(path)
    if (content !== undefined) volume.put(place, identified(path, content, systemIdentifier), 0o600)
    else if (place !== '') files.mkdir(place, 0o700)
  }
}

/**
 * Gives a cluster whose files are those of the template an identity of its own. The cluster's directory is the root.
 *
 * @param template template.bin
 */
export function identifyCluster(template: Uint8Array, volume: Volume): void {
  const files = volume.files()
  const systemIdentifier = newSystemIdentifier()
  for (const { path, content } of filesIn(template)) {
    if (content === undefined) continue
    const own = identified(path, content, systemIdentifier)
    if (own === content) continue
    const handle = files.open(pathInTemplate(path), WRITE, 0)
    // Only the first page has it, of the control file and of the WAL.
    files.write(handle, own, 0, BLCKSZ, 0)
    files.close(handle)
  }
}

/** The files of a new cluster, as a module has them that loadModule() has fetched. */
export function templateIn({ template }: ServerModule): Uint8Array {
  if (template === undefined) throw new Error('the server module has no files of a new cluster')
  return new Uint8Array(template)
}
