/** A cluster in the browser's file system (the origin private file system, fs.spec.whatwg.org). Only dedicated workers can use it. */
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { type BrowserVolume, FOLDER } from './browser-volume.js'
import { PageStore } from './page-store.js'
import type { SyncFile } from './sync-file.js'

const FILES = ['pages', 'log-0', 'log-1'] as const

/** How long to wait for the files of a worker that has just ended, in milliseconds. */
const PATIENCE = 5000
const PAUSE = 50

/** Whether this thread can have a cluster in the browser's file system. */
export async function hasFileSystem(): Promise<boolean> {
  if (!('FileSystemSyncAccessHandle' in globalThis)) return false
  try {
    await navigator.storage.getDirectory()
    return true
  } catch {
    // Some browsers refuse it in a private window.
    return false
  }
}

/** Opens the files of a cluster, and makes them if there are none. @throws StartupError */
export async function openInFileSystem(name: string): Promise<BrowserVolume> {
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle(FOLDER, { create: true })
  const directory = await folder.getDirectoryHandle(name, { create: true })
  const files: SyncFile[] = []
  const close = () => {
    for (const file of files) file.close()
  }
  try {
    for (const file of FILES)
      files.push(await accessHandle(await directory.getFileHandle(file, { create: true })))
    const [pages, ...log] = files as [SyncFile, SyncFile, SyncFile]
    const store = new PageStore({ pages, log })
    return {
      store,
      exists: () => store.exists,
      tree: () => store.tree(),
      async finish() {
        store.finish()
      },
      snapshot: () => store.snapshot(),
      settings: {},
      async close() {
        try {
          store.sync()
        } finally {
          close()
        }
      },
    }
  } catch (error) {
    close()
    throw error
  }
}

/** Removes the files of a cluster, if there are any. */
export async function removeFromFileSystem(name: string): Promise<void> {
  const root = await navigator.storage.getDirectory()
  try {
    const folder = await root.getDirectoryHandle(FOLDER)
    await folder.removeEntry(name, { recursive: true })
  } catch (error) {
    if ((error as DOMException).name !== 'NotFoundError') throw error
  }
}

async function accessHandle(file: FileSystemFileHandle): Promise<SyncFile> {
  for (let waited = 0; ; waited += PAUSE) {
    try {
      return await file.createSyncAccessHandle()
    } catch (error) {
      if ((error as DOMException).name !== 'NoModificationAllowedError') throw error
      if (waited >= PATIENCE)
        throw new StartupError(
          `the browser's file "${file.name}" of the cluster is in use by a program that does not hold the cluster's lock`,
          'EBUSY',
        )
      await new Promise(resolve => setTimeout(resolve, PAUSE))
    }
  }
}
