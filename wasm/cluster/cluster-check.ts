/** Checks whether this server can use a cluster in a storage, before it writes anything to it. */
import type { FileLayer, OpenFlags } from '../machine/host/file-layer.js'
import { foreignFormat, isControlFile } from './control-file.js'
import { StartupError } from './startup-error.js'

const MAJOR = '18'

const READ: OpenFlags = {
  ...{ read: true, write: false, create: false, exclusive: false },
  ...{ truncate: false, append: false, sync: false, noFollow: false },
}

/** How messages name the storage. */
export interface StorageWords {
  /** "the object's storage" */
  readonly storage: string
  /** Where a cluster can be put instead: "another object". */
  readonly elsewhere: string
  /** What helps against damage, as a command. */
  readonly remedy: string
}

/**
 * @param files have the data directory as their root
 * @returns the contents of pg_control
 * @throws StartupError
 */
export function checkCluster(files: FileLayer, words: StorageWords): Uint8Array {
  const version = contentOf(files, '/PG_VERSION', words)
  if (version === undefined) throw damaged('the cluster has no file "PG_VERSION"', words)
  const major = new TextDecoder().decode(version).trim()
  if (major !== MAJOR) {
    throw new StartupError(
      `${words.storage} has a cluster of PostgreSQL ${major}, this is ${MAJOR}: dump it with the version that made it, and restore it into ${words.elsewhere}`,
    )
  }
  const control = contentOf(files, '/global/pg_control', words)
  if (control === undefined) throw damaged('the cluster has no file "global/pg_control"', words)
  if (!isControlFile(control))
    throw damaged('the cluster\'s file "global/pg_control" has no valid contents', words)
  const reason = foreignFormat(control)
  if (reason !== undefined)
    throw new StartupError(`the cluster in ${words.storage} cannot be read: ${reason}`)
  return control
}

function contentOf(files: FileLayer, path: string, words: StorageWords): Uint8Array | undefined {
  try {
    const content = new Uint8Array(files.stat(path, true).size)
    const handle = files.open(path, READ, 0)
    files.read(handle, content, 0, content.length, 0)
    files.close(handle)
    return content
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw damaged(`file "${path.slice(1)}" cannot be read: ${(error as Error).message}`, words)
  }
}

/** Calls `look`; what it throws means that the storage is damaged. @throws StartupError */
export function understood<T>(look: () => T, words: StorageWords): T {
  try {
    return look()
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error), words)
  }
}

export function damaged(what: string, { storage, remedy }: StorageWords): StartupError {
  return new StartupError(`${storage} is damaged: ${what}. Nothing was changed; ${remedy}`)
}
