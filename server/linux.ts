/**
 * What only Linux has, and what the server does on systems without it. Tests give these functions another platform's name.
 */
import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Linux's file system in memory, its number in statfs(2), and how many bytes must be free for the server to use it. */
const SHM = '/dev/shm'
const TMPFS = 0x01021994
const ENOUGH_MEMORY = 1 << 30

/** A folder for files in memory, where there is plenty of it. */
export function memoryFolder(platform = process.platform): string | undefined {
  if (platform !== 'linux') return undefined
  try {
    const { type, bavail, bsize } = statfsSync(SHM)
    if (type !== TMPFS || bavail * bsize < ENOUGH_MEMORY) return undefined
    accessSync(SHM, constants.W_OK)
    return SHM
  } catch {
    return undefined // This system has no such folder.
  }
}

/** The C library of Windows can have this many files open. */
const WINDOWS_OPEN_FILES = 8192

/** How many files this process may have open; undefined if there is no limit, or none that can be found out. */
export function openFilesLimit(platform = process.platform): number | undefined {
  if (platform === 'win32') return WINDOWS_OPEN_FILES
  try {
    const limit = platform === 'linux' ? limitInProc() : limitInReport()
    return Number.isFinite(limit) ? limit : undefined
  } catch {
    return undefined
  }
}

function limitInProc(): number {
  return Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
}

/** Node's diagnostic report has the limit; making the report takes some milliseconds. */
function limitInReport(): number {
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  report.excludeNetwork = true // It would look up the names of addresses.
  const { userLimits } = report.getReport() as { userLimits?: { open_files?: { soft: number | string } } }
  return Number(userLimits?.open_files?.soft)
}

/** Calls back with a short path of a folder, whose own path may be long: a socket's path may have no more than 104 bytes. */
export async function throughShortPath<T>(
  folder: string,
  use: (path: string) => Promise<T>,
  platform = process.platform,
): Promise<T> {
  if (platform === 'linux') {
    const fd = openSync(folder, 'r')
    try {
      return await use(`/proc/self/fd/${fd}`)
    } finally {
      closeSync(fd)
    }
  }
  const place = mkdtempSync(join(tmpdir(), 'pg-'))
  try {
    symlinkSync(folder, join(place, 'd'))
    return await use(join(place, 'd'))
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

/** Whether Node has unix sockets. On Windows, which has them, Node uses named pipes instead. */
export function hasUnixSockets(platform = process.platform): boolean {
  return platform !== 'win32'
}

/** Whether a unix socket may have a name that is in no file system, which begins with @. */
export function hasAbstractSockets(platform = process.platform): boolean {
  return platform === 'linux'
}
