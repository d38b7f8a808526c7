/** What can be done to a server from outside of PostgreSQL: shut it down, have it reload, signal its processes. */
import type { Cluster } from '../wasm/cluster/cluster.js'
import type { Signal, StopMode } from '../wasm/cluster/signals.js'

/** What can be done to a server from when PostgreSQL runs, long before it accepts connections. */
export interface ServerControl {
  /**
   * Shuts down, in mode 'fast' unless said otherwise, and resolves when everything is closed and freed. May be called again
   * with a more urgent mode.
   */
  stop(mode?: StopMode): Promise<void>
  /** Has PostgreSQL read its configuration files again. */
  reload(): void
  /** Has PostgreSQL look for a request that pg_ctl has left as a file, such as to promote a standby. */
  checkRequests(): void
  /**
   * Signals one process, as pg_ctl kill does. Returns whether there is one with this pid, which is that of pg_stat_activity and
   * nothing to the operating system. To end a session, call pg_terminate_backend() instead: SIGKILL and SIGQUIT make
   * PostgreSQL end all of them and recover.
   */
  kill(pid: number, signal: Signal): boolean
}

/** What can be done to a cluster as long as its postmaster runs; `exited` resolves when it does not. */
export function serverControl(cluster: Cluster, exited: Promise<unknown>): ServerControl {
  let ended = false
  void exited.then(() => {
    ended = true
  })
  const signal = (name: Signal) => {
    if (!ended) cluster.signal(name)
  }
  return {
    async stop(mode = 'fast') {
      if (!ended) cluster.shutDown(mode)
      await exited
    },
    reload: () => signal('SIGHUP'),
    checkRequests: () => signal('SIGUSR1'),
    kill: (pid, name) => !ended && cluster.kill(pid, name),
  }
}
