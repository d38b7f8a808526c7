/**
 * The lock that keeps a data directory to one server at a time, also if the servers run in different containers.
 *
 * PostgreSQL's postmaster.pid names a process. That says nothing to a server in another container, where the same PID
 * is another process, or none. So a server also listens on a unix socket in the directory. The system closes the socket when
 * the process ends, however it ends, and finds it by its file alone: every process on the machine that sees the directory can
 * ask whether somebody listens, from any container.
 *
 * Each server first makes a socket with a name of its own, then asks all others. Of two servers that start at the same time,
 * the later one sees the socket of the other; at worst both see each other, and try again after random pauses. No name is
 * used twice, so a socket on which nobody listens can be removed.
 *
 * Where a file system takes no sockets, and on Windows, postmaster.pid is all there is.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { errorCode, StartupError } from '../wasm/cluster/startup-error.js'

/**
 * PID, host name and a random number. PostgreSQL's tools leave files with this prefix out of backups, as temporary ones.
 */
const NAME = /^pgsql_tmp\.server\.(\d+)\.([^.]*)\.[0-9a-f]+$/

/** A socket's path must be shorter than this many bytes. */
const PATH_LIMIT = 104
/** Characters of the host name in a socket's name. */
const HOST_LENGTH = 32

/** How often to try while others have a socket, who may be trying as well; and the longest pause between, in milliseconds. */
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
  release(): void
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
    for (const name of others) if (await isHeld(directory, name)) holder = holderIn(name)
    if (holder === undefined) {
      // Not before this process holds the lock: they could be the holder's.
      if (own !== undefined) for (const name of others) removeStale(directory, name)
      return { release: () => own?.release() }
    }
    own?.release()
    if (tries === TRIES) throw new StartupError(inUse(directory, holder), 'EBUSY')
    await setTimeout(Math.random() * PAUSE)
  }
}

export interface Holder {
  readonly pid: number
  /** The host whose process it is, if that is another one: a container for example. */
  readonly host: string | undefined
}

/**
 * The server that holds the lock of a directory, or undefined if none does. Changes nothing.
 *
 * @throws the system's error if the directory cannot be read
 */
export async function holderOf(directory: string): Promise<Holder | undefined> {
  const names = locksIn(directory)
  for (const name of names) if (await isHeld(directory, name)) return holderIn(name)
  return names.length === 0 ? holderByPid(directory) : undefined
}

/** Finds the holder as PostgreSQL does, where there are no sockets. If the PID is ours or our parent's, the file is a left-over. */
function holderByPid(directory: string): Holder | undefined {
  const pid = Number.parseInt(lockFileOf(directory)?.[0] ?? '', 10)
  if (!(pid > 0) || pid === process.pid || pid === process.ppid || !isAlive(pid)) return undefined
  return { pid, host: undefined }
}

function holderIn(name: string): Holder {
  const [, pid, host] = NAME.exec(name)!
  return { pid: Number(pid), host: host === shortHostname() ? undefined : host }
}

class OwnLock {
  private constructor(
    readonly directory: string,
    readonly name: string,
    readonly server: Server,
  ) {}

  /** Listens on a socket in the directory; undefined where there can be none. */
  static async put(directory: string): Promise<OwnLock | undefined> {
    if (process.platform === 'win32') return undefined
    const name = `pgsql_tmp.server.${process.pid}.${shortHostname()}.${randomBytes(4).toString('hex')}`
    const server = createServer(client => client.destroy())
    try {
      await atShortPath(directory, name, async path => {
        server.listen(path)
        await once(server, 'listening')
      })
    } catch (error) {
      if (WITHOUT_SOCKETS.includes(errorCode(error) ?? '')) return undefined
      throw error
    }
    server.unref()
    // Whoever cannot be answered has been told enough by being let in.
    server.on('error', () => {})
    const own = new OwnLock(directory, name, server)
    // Another server has seen it between bind and listen, taken it for a stale one and removed it.
    if (!locksIn(directory).includes(name)) {
      own.release()
      return OwnLock.put(directory)
    }
    return own
  }

  release(): void {
    this.server.close()
    rmSync(join(this.directory, this.name), { force: true })
  }
}

function shortHostname(): string {
  return hostname().replaceAll('.', '-').slice(0, HOST_LENGTH)
}

/** Calls with a path of that file that is short enough for a socket. */
async function atShortPath<T>(
  directory: string,
  name: string,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, name)
  if (Buffer.byteLength(path) < PATH_LIMIT) return use(path)
  const fd = openSync(directory, 'r')
  try {
    return await use(`/proc/self/fd/${fd}/${name}`)
  } finally {
    closeSync(fd)
  }
}

function locksIn(directory: string): string[] {
  return readdirSync(directory).filter(isLock)
}

/** Whether somebody listens. What cannot be found out counts as yes. */
function isHeld(directory: string, name: string): Promise<boolean> {
  return atShortPath(
    directory,
    name,
    path =>
      new Promise(resolve => {
        const socket = connect(path)
        socket.once('connect', () => {
          socket.destroy()
          resolve(true)
        })
        socket.once('error', error => resolve(!['ECONNREFUSED', 'ENOENT'].includes(errorCode(error) ?? '')))
      }),
  )
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
