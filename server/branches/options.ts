/** What programs see of snapshots and branches. */
import type { StartServerOptions } from '../options.js'

/** A cluster as it was when server.snapshot() was called. */
export interface ClusterSnapshot {
  /** Absolute path of the files. They are no data directory for a server: branch() and restore() make one of them. */
  readonly path: string
  /** Removes the files. Branches and clusters that were made of them stay. */
  remove(): Promise<void>
  /** remove(), at the end of the block of an `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of startServer() that are only for new clusters, or say what a server begins with. */
type NotForBranches = 'copyOf' | 'password' | 'hostAuthMethod' | 'initdbOptions' | 'init'

/** The options of server.branch(). */
export interface BranchOptions extends Omit<StartServerOptions, NotForBranches> {
  /** What the branch begins with. Default: the cluster as it is now. */
  snapshot?: ClusterSnapshot | undefined
}
