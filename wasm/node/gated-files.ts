/** Files whose changes pass a gate: see file-gate.ts. */
import type { FileLayer } from '../machine/host/file-layer.js'
import type { FileGate } from './file-gate.js'

export function gatedFiles(layer: FileLayer, gate: FileGate): FileLayer {
  return {
    ...layer,
    open: (path, flags, mode) =>
      flags.create || flags.truncate
        ? gate.change(() => layer.open(path, flags, mode))
        : layer.open(path, flags, mode),
    write: (handle, buffer, offset, length, position) =>
      gate.change(() => layer.write(handle, buffer, offset, length, position)),
    truncate: (handle, size) => gate.change(() => layer.truncate(handle, size)),
    mkdir: (path, mode) => gate.change(() => layer.mkdir(path, mode)),
    rmdir: path => gate.change(() => layer.rmdir(path)),
    unlink: path => gate.change(() => layer.unlink(path)),
    rename: (from, to) => gate.change(() => layer.rename(from, to)),
    copy: (from, to) => gate.change(() => layer.copy(from, to)),
    link: (from, to) => gate.change(() => layer.link(from, to)),
    symlink: (target, path) => gate.change(() => layer.symlink(target, path)),
  }
}
