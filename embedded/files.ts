/** Unpacks the files of a server module: the server's own, and those of a new cluster. */
import { identified, newSystemIdentifier } from '../wasm/cluster/control-file.js'
import { pathInTemplate, TEMPLATE } from '../wasm/cluster/files-bin.js'
import type { OpenFlags } from '../wasm/machine/host/file-layer.js'
import { BLCKSZ, ICU_DATA_FILE, LOCALES_FILE } from '../wasm/machine/postgres-abi.js'
import type { Volume } from '../wasm/machine/volume/volume.js'
import { filesIn, type ServerModule } from './server-module.js'

/** The data directory. */
export const DATA = TEMPLATE

/** The folder of the files that PostgreSQL's installation has in share/. */
export const SHARE = '/pgsql/share'

/** The names there of the data that a server module may have. */
const DATA_FILES = { icu: ICU_DATA_FILE, locales: LOCALES_FILE } as const

const WRITE: OpenFlags = {
  ...{ read: false, write: true, create: false, exclusive: false },
  ...{ truncate: false, append: false, sync: false, noFollow: false },
}

/** Puts the server's own files into a volume, and a directory for temporary ones. */
export function unpackServer(module: ServerModule, volume: Volume): void {
  const files = volume.files()
  files.mkdir('/tmp', 0o777)
  for (const { path, content } of filesIn(module.files)) {
    if (pathInTemplate(path) !== undefined) continue
    if (content === undefined) files.mkdir(path, 0o700)
    else volume.put(path, content, 0o700)
  }
  for (const name of ['icu', 'locales'] as const) {
    const data = module[name]
    if (data !== undefined) volume.put(`${SHARE}/${DATA_FILES[name]}`, new Uint8Array(data), 0o600)
  }
}

/** Puts a new cluster, with an identity of its own, into a directory of a volume. Makes the directory, unless it is the root, ''. */
export function unpackCluster(module: ServerModule, volume: Volume, directory: string): void {
  const files = volume.files()
  const systemIdentifier = newSystemIdentifier()
  for (const { path, content } of filesIn(module.files)) {
    const inside = pathInTemplate(path)
    if (inside === undefined) continue
    const place = directory + inside
    if (content !== undefined) volume.put(place, identified(path, content, systemIdentifier), 0o600)
    else if (place !== '') files.mkdir(place, 0o700)
  }
}

/** Gives a cluster whose files are those of the template an identity of its own. The cluster's directory is the root. */
export function identifyCluster(module: ServerModule, volume: Volume): void {
  const files = volume.files()
  const systemIdentifier = newSystemIdentifier()
  for (const { path, content } of filesIn(module.files)) {
    const inside = pathInTemplate(path)
    if (inside === undefined || content === undefined) continue
    const own = identified(path, content, systemIdentifier)
    if (own === content) continue
    const handle = files.open(inside, WRITE, 0)
    for (let at = 0; at < own.length; at += BLCKSZ) {
      const page = own.subarray(at, at + BLCKSZ)
      if (!isAt(page, content, at)) files.write(handle, page, 0, page.length, at)
    }
    files.close(handle)
  }
}

/** Whether `bytes` has the page at this place. */
function isAt(page: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < page.length; i++) if (page[i] !== bytes[at + i]) return false
  return true
}
