/**
 * The lock that keeps a data directory to one server at a time, also if the servers run in different containers.
 *
 * PostgreSQL's postmaster.pid names a process. That says nothing to a server in another container, where the same PID
 * is another process, or none. So a server also listens on a unix socket in the directory. The system closes the socket when
 * the process ends, however it ends, and finds it by its file alone: every process on the machine that sees the directory can
 * ask whether a server listens, from any container.
 *
 * Each server first makes a socket with a name of its own, then asks all others. Of two servers that start at the same time,
 * the later one sees the socket of the other; at worst both see each other, and try again after random pauses. No name is
 * used twice, so a socket on which no server listens can be removed.
 *
 * In a file system without sockets, servers only have postmaster.pid. On Windows they use a named pipe instead of a socket.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import type { Server } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import { randomName } from '../../wasm/node/random.js'
import {
  askLock,
  isLockHeld,
  type LockRequest,
  listenAtLock,
  type OnRequest,
  type ServerSignal,
  signalLock,
} from './lock-socket.js'

/**
 * A lock's name begins with this. pg_basebackup, pg_rewind and pg_checksums leave out files whose names begin with pg_internal.init, a
 * cache that servers make anew. With pgsql_tmp pg_rewind would leave the lock out only in a directory below the topmost.
 */
const PREFIX = 'pg_internal.init.server'

/** PID, host name and a random number. */
const NAME = /^pg_internal\.init\.server\.(\d+)\.([^.]*)\.[0-9a-f]+$/

/** Characters of the host name in a socket's name. */
const HOST_LENGTH = 32

/** How often to try while other processes, which may be trying as well, have a socket; and the longest pause between tries, in ms. */
const TRIES = 4
const PAUSE = 100

/** Errors of file systems and systems that have no such sockets. */
const WITHOUT_SOCKETS = [
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EINVAL',
  'EACCES',
  'EADDRNOTAVAIL',
  'EIO',
  'ENXIO',
]

export interface DirectoryLock {
  /** Answers the requests of commands. */
  onRequest: OnRequest
  release(): void
}

const NOT_YET: OnRequest = async () => {
  throw new StartupError('the server is starting')
}

/** Whether this is the name of a lock in a data directory. */
export function isLock(name: string): boolean {
  return NAME.test(name)
}

/**
 * Locks a directory, and removes the locks of servers that were killed.
 *
 * @param directory absolute; must exist
 * @throws StartupError naming the holder (code EBUSY), or the system's error if the directory cannot be written
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  for (let tries = 1; ; tries++) {
    const own = await OwnLock.put(directory)
    const others = locksIn(directory).filter(name => name !== own?.name)
    let holder = own === undefined ? holderByPid(directory) : undefined
    for (const name of others) if (await isLockHeld(directory, name)) holder = holderIn(name)
    if (holder === undefined) {
      // Not before this process holds the lock: until then the files could belong to a server that runs.
      if (own === undefined) return { onRequest: NOT_YET, release: () => {} }
      for (const name of others) removeStale(directory, name)
      return own
    }
    own?.release()
    if (tries === TRIES) throw new StartupError(inUse(directory, holder), 'EBUSY')
    await setTimeout(Math.random() * PAUSE)
  }
}

export interface Holder {
  readonly pid: number
  /** The name of the holder's host, if that is not this one: for example a container. */
  readonly host: string | undefined
  /** Its lock in the directory, if it has one. */
  readonly lock: string | undefined
}

/**
 * The server that holds the lock of a directory, or undefined if none does. Changes nothing.
 *
 * @throws the system's error if the directory cannot be read
 */
export async function holderOf(directory: string): Promise<Holder | undefined> {
  const names = locksIn(directory)
  for (const name of names) if (await isLockHeld(directory, name)) return holderIn(name)
  return names.length === 0 ? holderByPid(directory) : undefined
}

/** Finds the holder by postmaster.pid, as PostgreSQL does. If the PID is this process' or its parent's, the file is a left-over. */
function holderByPid(directory: string): Holder | undefined {
  const pid = Number.parseInt(lockFileOf(directory)?.[0] ?? '', 10)
  if (!(pid > 0) || pid === process.pid || pid === process.ppid || !isAlive(pid)) return undefined
  return { pid, host: undefined, lock: undefined }
}

function holderIn(name: string): Holder {
  const [, pid, host] = NAME.exec(name)!
  return { pid: Number(pid), host: host === shortHostname() ? undefined : host, lock: name }
}

/**
 * Sends a signal to the holder of a directory's lock; on Windows through its pipe.
 *
 * @throws the system's error
 */
export async function signalHolder(directory: string, holder: Holder, signal: ServerSignal): Promise<void> {
  if (process.platform !== 'win32') process.kill(holder.pid, signal)
  else if (holder.lock !== undefined) await signalLock(directory, holder.lock, signal)
  else throw new Error('it is not a server of this program')
}

/**
 * Asks the holder of a directory's lock for something.
 *
 * @throws StartupError with the holder's answer; the system's error
 */
export function askHolder(directory: string, lock: string, request: LockRequest): Promise<readonly string[]> {
  return askLock(directory, lock, request)
}

class OwnLock implements DirectoryLock {
  onRequest = NOT_YET
  #server: Server | undefined

  private constructor(
    readonly directory: string,
    readonly name: string,
  ) {}

  /** Listens in the directory; undefined where there can be no socket. */
  static async put(directory: string): Promise<OwnLock | undefined> {
    const name = `${PREFIX}.${process.pid}.${shortHostname()}.${randomName(4)}`
    const own = new OwnLock(directory, name)
    try {
      own.#server = await listenAtLock(directory, name, () => own.onRequest)
    } catch (error) {
      if (WITHOUT_SOCKETS.includes(errorCode(error) ?? '')) return undefined
      throw error
    }
    // Another server has seen it between bind and listen, taken it for a stale one and removed it.
    if (!locksIn(directory).includes(name)) {
      own.release()
      return OwnLock.put(directory)
    }
    return own
  }

  release(): void {
    this.#server?.close()
    rmSync(join(this.directory, this.name), { force: true })
  }
}

function shortHostname(): string {
  return hostname().replaceAll('.', '-').slice(0, HOST_LENGTH)
}

function locksIn(directory: string): string[] {
  return readdirSync(directory).filter(isLock)
}

/** Removes the lock of a server that has ended, and its postmaster.pid, whatever process has that PID now. */
function removeStale(directory: string, name: string): void {
  const lockFile = join(directory, 'postmaster.pid')
  if (lockFileOf(directory)?.[0] === NAME.exec(name)?.[1]) rmSync(lockFile, { force: true })
  rmSync(join(directory, name), { force: true })
}

/** Whether there is a process with this PID. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === 'EPERM'
  }
}

/** The lines of postmaster.pid: PID, directory, start time, port, socket directory, address, shared memory, state. */
export function lockFileOf(directory: string): string[] | undefined {
  try {
    return readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n')
  } catch {
    return undefined
  }
}

function inUse(directory: string, { pid, host }: Holder): string {
  const [owner, , , port] = lockFileOf(directory) ?? []
  const where = host === undefined ? '' : ` on host "${host}"`
  const at = Number(owner) === pid && port ? `, port ${port}` : ''
  return `data directory "${directory}" is in use by another server (PID ${pid}${where}${at}): stop that first, or name another directory`
}
