/**
 * Where the server finds what `npm run build:wasm` made, in the repository as in the installed package.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { StartupError } from './startup-error.js'

// This file runs as dist/server/artefacts.js.
const artefact = (name: string) => fileURLToPath(new URL(`../../wasm/dist/${name}`, import.meta.url))

/** PostgreSQL itself. */
export const postgresModule = artefact('postgres.wasm')

/** A cluster as initdb leaves it, as a compressed tar archive in which identical files are stored once. */
export const clusterTemplate = artefact('cluster.tar.br')

/** Throws a StartupError unless the artefacts have been built. */
export function requireArtefacts(): void {
  for (const path of [postgresModule, clusterTemplate]) {
    if (!existsSync(path))
      throw new StartupError(`"${path}" has not been built: run "npm run build"`, 'ENOENT')
  }
}
