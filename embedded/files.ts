/** The files of a server, out of its bundle: its own, and those of a new cluster. */
import { identified, newSystemIdentifier } from '../wasm/cluster/control-file.js'
import { pathInTemplate, TEMPLATE } from '../wasm/cluster/files-bin.js'
import type { Volume } from '../wasm/machine/volume/volume.js'
import { type Bundle, bundledFiles } from './bundle.js'

/** Where a server has its cluster. */
export const DATA = TEMPLATE

/** ICU's data, for a server whose bundle has it. */
const ICU_DATA = '/pgsql/share/icu.bin'

/** The server's own files, and a place for temporary ones. */
export function unpackServer(module: Bundle, volume: Volume): void {
  const files = volume.files()
  files.mkdir('/tmp', 0o777)
  for (const { path, content } of bundledFiles(module.files)) {
    if (pathInTemplate(path) !== undefined) continue
    if (content === undefined) files.mkdir(path, 0o700)
    else volume.put(path, content, 0o700)
  }
  if (module.icu !== undefined) volume.put(ICU_DATA, new Uint8Array(module.icu), 0o600)
}

/** A new cluster, with an identity of its own, in this directory; it is made unless it is the root, ''. */
export function unpackCluster(module: Bundle, volume: Volume, directory: string): void {
  const files = volume.files()
  const systemIdentifier = newSystemIdentifier()
  for (const { path, content } of bundledFiles(module.files)) {
    const inside = pathInTemplate(path)
    if (inside === undefined) continue
    const place = directory + inside
    if (content !== undefined) volume.put(place, identified(path, content, systemIdentifier), 0o600)
    else if (place !== '') files.mkdir(place, 0o700)
  }
}
