/** Finds the server that runs on a data directory, by the directory's lock and postmaster.pid. */
import { resolve } from 'node:path'
import { isCluster } from '../server/data-directory/data-directory.js'
import { type Holder, holderOf, lockFileOf } from '../server/data-directory/lock.js'
import { StartupError } from '../server/index.js'
import { reachableHost } from '../server/network/listen-addresses.js'
import { errorCode } from '../wasm/cluster/startup-error.js'

export interface RunningServer extends Holder {
  readonly dataDir: string
  /** As in postmaster.pid: starting, ready, standby or stopping. */
  readonly state: string
  /** Where clients on this machine connect: a host name, an address, or the folder of a unix socket. */
  readonly address: string
  readonly port: number
}

/** There is no cluster in the directory, or it cannot be read. */
export class NoCluster extends StartupError {}

/**
 * The server of a data directory, or undefined when none runs.
 *
 * @throws NoCluster when the directory holds no cluster, or cannot be read
 */
export async function runningServer(dataDir: string): Promise<RunningServer | undefined> {
  const path = resolve(dataDir)
  let holder: Holder | undefined
  try {
    holder = await holderOf(path)
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    throw new NoCluster(`data directory "${path}" cannot be read: ${(error as Error).message}`)
  }
  if (!isCluster(path)) throw new NoCluster(`"${path}" holds no PostgreSQL cluster`)
  if (holder === undefined) return undefined
  const lines = lockFileOf(path) ?? []
  // If the file is missing or has another PID, the server has locked the directory, and PostgreSQL has not written the file yet.
  const [, , , port, socketDir = '', host = '', , state = 'starting'] =
    Number(lines[0]) === holder.pid ? lines : []
  return {
    ...holder,
    dataDir: path,
    state: state.trim(),
    // A name that begins with @ is abstract: not in the file system.
    address:
      host === '' && socketDir !== '' && !socketDir.startsWith('@') ? socketDir : reachableHost(host || '*'),
    port: Number(port ?? 0),
  }
}

/**
 * The server of a data directory, to send it a signal.
 *
 * @throws StartupError when none runs, or it runs on another machine
 */
export async function requireRunningServer(dataDir: string): Promise<RunningServer> {
  const server = await runningServer(dataDir)
  if (server === undefined) throw new StartupError(`no server runs on "${resolve(dataDir)}"`)
  const { pid, host } = server
  if (host !== undefined)
    throw new StartupError(
      `the server on "${server.dataDir}" runs on another machine, "${host}", with PID ${pid}: run this command there`,
    )
  return server
}
