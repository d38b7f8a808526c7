/** Opens a cluster that the browser keeps, or makes one from the template. */
import { DATA, templateIn, unpackCluster, volumeInMemory, withInstallation } from '../embedded/files.js'
import { type ClusterSnapshot, type EmbeddedHost, pagesOf } from '../embedded/host.js'
import type { ServerModule } from '../embedded/server-module.js'
import { PATIENCE, SMALL, walSizes } from '../embedded/settings.js'
import { embeddedSystem } from '../embedded/system.js'
import { checkCluster, type StorageWords, understood } from '../wasm/cluster/cluster-check.js'
import { walSegmentSize } from '../wasm/cluster/control-file.js'
import { type GivenSettings, settingsText } from '../wasm/cluster/settings.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { mountAt, mountedFiles } from '../wasm/machine/volume/mounted-files.js'
import { type Volume, volume } from '../wasm/machine/volume/volume.js'
import type { BrowserVolume } from './storage/browser-volume.js'
import { isInDatabase, openInDatabase, removeFromDatabase } from './storage/indexed-db.js'
import { hasFileSystem, openInFileSystem, removeFromFileSystem } from './storage/opfs.js'

/** The server of a cluster. */
export interface ServerOptions {
  /** The result of loadModule(), or a function that returns it, which is called when the server starts in this tab. */
  module: ServerModule | (() => Promise<ServerModule>)
  /** Any settings of PostgreSQL (postgresql.org/docs/18/runtime-config.html). */
  settings?: GivenSettings | undefined
  /**
   * How many bytes PostgreSQL may use for all its sessions together: from 40 MB to 4 GB. A statement that needs more fails with 53200
   * (out_of_memory). Default: 96 MB.
   */
  maxMemory?: number | undefined
  /** Called with PostgreSQL's log, one or more complete lines at a time. Default: the log is dropped. */
  log?: ((text: string) => void) | undefined
}

const WORDS: StorageWords = {
  storage: "the browser's storage",
  elsewhere: 'a cluster of another name',
  remedy: 'remove the cluster by removeCluster(), and import a copy of it',
}

const REQUIRED = { wal_sync_method: 'fdatasync' }

export interface OpenCluster {
  readonly host: EmbeddedHost
  /** To be called when the server has ended. */
  close(): Promise<void>
}

/**
 * @param onFailure called once, when the browser's storage has failed, and what it has is older than what the server knows
 * @throws StartupError when the cluster is damaged or of another version
 */
export async function openCluster(
  name: string,
  options: ServerOptions,
  onFailure: () => void,
): Promise<OpenCluster> {
  const maximumPages = pagesOf(options.maxMemory)
  const given = settingsText(options.settings ?? {})
  const module = typeof options.module === 'function' ? await options.module() : options.module
  const kept = await openVolume(name, onFailure)
  try {
    if (!kept.exists()) {
      unpackCluster(templateIn(module), volume(kept.store, kept.tree().kept), '')
      await kept.finish()
    }
    const { opened, control } = checked(kept)
    const around = volumeInMemory()
    const files = () => mountedFiles(withInstallation(module, around), [mountAt(DATA, opened.files())])
    const sizes = walSizes(walSegmentSize(control))
    const settings = { ...SMALL, ...PATIENCE, ...sizes, ...kept.settings, ...given, ...REQUIRED }
    const durable = kept.durable && (() => kept.durable!())
    const snapshot = () => snapshotOf(kept, opened)
    const log = options.log ?? (() => {})
    return {
      host: { module, system: embeddedSystem, files, durable, snapshot, settings, maximumPages, log },
      close: () => kept.close(),
    }
  } catch (error) {
    await kept.close()
    throw error
  }
}

function snapshotOf(kept: BrowserVolume, opened: Volume): ClusterSnapshot {
  const { store, end } = kept.snapshot()
  const files = volume(store, opened.copyOfTree()).files()
  let failure: Error | undefined
  const check = () => {
    if (failure !== undefined) throw failure
  }
  return {
    files: {
      ...files,
      read(...range) {
        check()
        return files.read(...range)
      },
    },
    check,
    fail(error) {
      failure ??= error
      end()
    },
    end,
  }
}

/** Opens the volume of a cluster that must exist, for what needs no server. */
export async function openFiles(name: string): Promise<{ opened: Volume; close(): Promise<void> }> {
  const kept = await openVolume(name)
  try {
    if (!kept.exists()) throw new StartupError(`the browser has no cluster "${name}"`, 'ENOENT')
    return { opened: checked(kept).opened, close: () => kept.close() }
  } catch (error) {
    await kept.close()
    throw error
  }
}

/** Makes a cluster of what arrives piece by piece. If that ends early for any reason, there is no cluster. */
export async function fillCluster(name: string, fill: (volume: Volume) => Promise<void>): Promise<void> {
  const kept = await openVolume(name)
  try {
    if (kept.exists())
      throw new StartupError(
        `the browser has a cluster "${name}" already: import into another, or remove it by removeCluster()`,
        'EEXIST',
      )
    const empty = volume(kept.store, kept.tree().kept)
    await fill(empty)
    checkCluster(empty.files(), WORDS)
    await kept.finish()
  } finally {
    await kept.close()
  }
}

export async function removeFiles(name: string): Promise<void> {
  if (await hasFileSystem()) await removeFromFileSystem(name)
  if (await isInDatabase(name)) await removeFromDatabase(name)
}

/** A cluster stays where it was made, also when a later version of the browser gives workers files. */
async function openVolume(name: string, onFailure: () => void = () => {}): Promise<BrowserVolume> {
  try {
    if ((await hasFileSystem()) && !(await isInDatabase(name))) return await openInFileSystem(name)
    return await openInDatabase(name, onFailure)
  } catch (error) {
    if (error instanceof StartupError) throw error
    const { message } = error as Error
    throw new StartupError(`the browser's storage cannot be opened: ${message}. Nothing was changed`)
  }
}

function checked(kept: BrowserVolume): { opened: Volume; control: Uint8Array } {
  const { kept: tree, nameless } = understood(() => kept.tree(), WORDS)
  const opened = volume(kept.store, tree)
  const control = checkCluster(opened.files(), WORDS)
  for (const node of nameless) kept.store.free(node)
  return { opened, control }
}
