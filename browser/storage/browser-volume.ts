import type { Node } from '../../wasm/machine/volume/node.js'
import type { Kept, Store } from '../../wasm/machine/volume/store.js'

/** The directory of the browser's file system, and the beginning of the names of its databases, that have this package's clusters. */
export const FOLDER = 'pglite-imports-server'

/** A volume that the browser keeps. */
export interface BrowserVolume {
  readonly store: Store
  /** Whether the browser has a whole cluster there. */
  exists(): boolean
  /** The tree of its files, and the files without a name. @throws Error that says what is wrong if they make no tree */
  tree(): { kept: Kept; nameless: Node[] }
  /** Keeps a new cluster, as a whole. */
  finish(): Promise<void>
  /**
   * Returns the contents of its files as they are now, and a function to be called when they have been read.
   *
   * @throws Error when others are being read already
   */
  snapshot(): { readonly store: Store; end(): void }
  /** PostgreSQL's settings for it. */
  readonly settings: Readonly<Record<string, string>>
  /** Resolves when all that was synced is durable; returns undefined when it is already. */
  durable?(): Promise<void> | undefined
  close(): Promise<void>
}

/** What snapshot() throws. */
export const anotherBackup = () =>
  Object.assign(new Error('another backup of this cluster is being read'), { code: 'EBUSY' })
