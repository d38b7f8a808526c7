import type { LoadableModules } from '../machine/loadable-modules.js'

/** What a cluster's processes are instances of, compiled. */
export interface Programs {
  readonly kernel: WebAssembly.Module
  readonly postgres: WebAssembly.Module
  readonly modules: LoadableModules
}
