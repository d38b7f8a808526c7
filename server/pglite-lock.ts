/**
 * The lock file that PGlite leaves in a data directory.
 *
 * PGlite writes a postmaster.pid with a made-up process number, removes it only when it is closed properly, and does not
 * heed it. So it says nothing about whether a PGlite still runs there, and PostgreSQL would take the number for that
 * of some innocent process. Where the system shows which files are open, we look ourselves.
 */
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { StartupError } from '../wasm/cluster/startup-error.js'

/** What PGlite calls its process, negative as PostgreSQL's single-user mode does it, and its data directory. */
const PGLITE_LOCK = /^-42\n\/pglite\/data\n/

/**
 * Removes PGlite's lock file, if there is one.
 *
 * @param dataDir absolute, without symbolic links
 * @throws StartupError when a PGlite still has files open there; only noticed on Linux
 */
export function removePGliteLock(dataDir: string): void {
  const file = join(dataDir, 'postmaster.pid')
  let lock: string
  try {
    lock = readFileSync(file, 'utf8')
  } catch {
    return
  }
  if (!PGLITE_LOCK.test(lock)) return
  const user = processWithOpenFiles(dataDir)
  if (user !== undefined) {
    throw new StartupError(
      `data directory "${dataDir}" is in use by PGlite in process ${user}: close that first`,
    )
  }
  rmSync(file)
}

function processWithOpenFiles(directory: string): number | undefined {
  const pids = entries('/proc').filter(name => /^\d+$/.test(name))
  const found = pids.find(pid =>
    entries(`/proc/${pid}/fd`).some(fd => target(`/proc/${pid}/fd/${fd}`).startsWith(`${directory}/`)),
  )
  return found === undefined ? undefined : Number(found)
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return [] // Another user's process, or one that has ended, or no /proc at all.
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}
