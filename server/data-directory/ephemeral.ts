/** Data directories that are removed when their server stops. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import { realPath } from '../../wasm/node/paths.js'
import { memoryFolder } from '../linux.js'
import { unpackTemplate } from '../new-cluster/template.js'
import type { DataDirectory } from './data-directory.js'
import { isAlive } from './lock.js'

/**
 * Where ephemeral clusters lie: in memory if there is enough, because on a disk it takes most of a start's time to make a
 * thousand files; otherwise in the system's temporary directory, or where TMPDIR says.
 */
function ephemeralParent(): string {
  return (process.env.TMPDIR === undefined ? memoryFolder() : undefined) ?? tmpdir()
}

/** Directories to remove when this process exits. */
const ephemeral = new Set<string>()

/** Makes a cluster that is removed when it is released, or when this process exits. */
export async function createEphemeralDirectory(
  fill: (directory: string) => Promise<void> = async directory => unpackTemplate(directory, true),
): Promise<DataDirectory> {
  const parent = ephemeralParent()
  try {
    return await inParent(parent, fill)
  } catch (error) {
    if (error instanceof StartupError) throw error
    throw new StartupError(
      `an ephemeral cluster cannot be made in "${parent}" (${errorCode(error) ?? (error as Error).message}): set TMPDIR to another directory, or name a data directory`,
      errorCode(error),
    )
  }
}

async function inParent(parent: string, fill: (directory: string) => Promise<void>): Promise<DataDirectory> {
  const prefix = `pglite-imports-server-${hostname()}-`
  removeAbandoned(parent, prefix)
  const path = realPath(mkdtempSync(join(parent, `${prefix}${process.pid}-`)))
  if (ephemeral.size === 0) process.on('exit', removeEphemeral)
  ephemeral.add(path)
  const release = () => {
    remove(path)
    ephemeral.delete(path)
    if (ephemeral.size === 0) process.off('exit', removeEphemeral)
  }
  try {
    await fill(path)
  } catch (error) {
    release()
    throw error
  }
  return { path, ephemeral: true, empty: () => {}, answer: () => {}, release }
}

function removeEphemeral(): void {
  for (const path of ephemeral) {
    try {
      remove(path)
    } catch {
      // The next one removes it: see removeAbandoned().
    }
  }
}

/** Tries several times: when the process exits, backends may still be making files. */
function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
}

/** Removes ephemeral clusters that killed processes of this machine have left. */
function removeAbandoned(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    const owner = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (Number.isNaN(owner) || isAlive(owner)) continue
    try {
      rmSync(join(parent, name), { recursive: true, force: true })
    } catch {
      // Another user's.
    }
  }
}
