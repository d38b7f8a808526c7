/**
 * PGlite behind its own socket server, as its documentation shows it, with its own settings: it keeps fsync off. Its
 * clients take turns on one session.
 */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { repository } from '../wasm/build/paths.js'
import { ours } from './ours.js'
import { freePort, outputOf, type System, serverOf } from './system.js'

export function pglite(): System {
  const version = (name: string) =>
    (
      JSON.parse(
        readFileSync(join(repository, 'node_modules/@electric-sql', name, 'package.json'), 'utf8'),
      ) as { version: string }
    ).version
  return {
    name: 'pglite',
    label: `PGlite ${version('pglite')} behind pglite-socket ${version('pglite-socket')}`,
    shares: 'prepared statements, settings and temporary tables, for it has one session',
    makeDirectory: ours().makeDirectory,
    removeDirectory: path => rmSync(path, { recursive: true, force: true }),
    async start(directory) {
      const port = await freePort()
      const began = performance.now()
      const child = spawn(
        process.execPath,
        [fileURLToPath(new URL('pglite-server.js', import.meta.url)), String(port), directory ?? 'memory://'],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      )
      return serverOf(child, port, began, outputOf(child))
    },
  }
}
