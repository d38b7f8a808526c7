/**
 * Where the build reads and writes.
 *
 * Everything that takes long to make lives in a cache outside the repository, so that a second clone, or a clone made
 * anew, finds it there. The repository only receives the finished artefacts, in `wasm/dist/`.
 */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository: the nearest folder above this file that has a package.json. */
export const repository = (() => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
})()

/** The finished artefacts: what the npm package ships. Ignored by git. */
export const dist = join(repository, 'wasm', 'dist')

/** Toolchain, PostgreSQL source, objects and finished artefacts by input hash. */
export const cache = join(
  process.env.PGLITE_IMPORTS_CACHE ??
    join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pglite-imports-server'),
)

/** The log of a program that the build runs. */
export function logFile(name: string): string {
  return join(cache, 'log', `${name}.log`)
}
