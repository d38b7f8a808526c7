import type { LoadableModules } from '../machine/loadable-modules.js'

/** The compiled modules of a cluster's processes. */
export interface Programs {
  readonly kernel: WebAssembly.Module
  readonly postgres: WebAssembly.Module
  readonly modules: LoadableModules
  /** Whether they are for a memory that threads can share. Default: yes. */
  readonly shared?: boolean
}
