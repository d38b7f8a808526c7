/** Controls a server from outside: shuts it down, makes it reload, signals its processes. */
import type { Cluster } from '../wasm/cluster/cluster.js'
import type { Signal, StopMode } from '../wasm/cluster/signals.js'

/** Controls a server. It works as soon as the postmaster runs, before the server accepts connections. */
export interface ServerControl {
  /**
   * Shuts the server down. Resolves when everything is closed and freed. May be called again with a more urgent mode.
   *
   * @param mode as of pg_ctl. Default: 'fast', which disconnects clients
   */
  stop(mode?: StopMode): Promise<void>
  /** Makes PostgreSQL read its configuration files again. */
  reload(): void
  /** Makes PostgreSQL look for a request that pg_ctl has left as a file, for example to promote a standby. */
  checkRequests(): void
  /**
   * Signals one process, as pg_ctl kill does. To end a session, call pg_terminate_backend() instead: after SIGKILL and
   * SIGQUIT PostgreSQL ends all sessions and recovers.
   *
   * @param pid as in pg_stat_activity; the operating system does not know it
   * @returns whether there is such a process
   */
  kill(pid: number, signal: Signal): boolean
}

/**
 * @param cluster returns the one that runs
 * @param exited resolves when the postmaster has ended; the functions do nothing from then on
 */
export function serverControl(cluster: () => Cluster, exited: Promise<unknown>): ServerControl {
  let ended = false
  void exited.then(() => {
    ended = true
  })
  const signal = (name: Signal) => {
    if (!ended) cluster().signal(name)
  }
  return {
    async stop(mode = 'fast') {
      if (!ended) cluster().shutDown(mode)
      await exited
    },
    reload: () => signal('SIGHUP'),
    checkRequests: () => signal('SIGUSR1'),
    kill: (pid, name) => !ended && cluster().kill(pid, name),
  }
}
