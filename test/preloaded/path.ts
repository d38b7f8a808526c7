/** Where the build has put the modules of this folder, which Node loads into a server under test before the server itself. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { repository } from '../../wasm/build/paths.js'

export type Preloaded =
  | 'forbid-code-generation'
  | 'kill-at-step'
  | 'recorder'
  | 'saboteur'
  | 'torn-control-file'

/** In the repository, or in a copy of the package. */
export const PRELOADED = join('dist', 'test', 'preloaded')

/** Node's options that load it. */
export function preload(name: Preloaded): string[] {
  return ['--import', pathToFileURL(join(repository, PRELOADED, `${name}.js`)).href]
}
