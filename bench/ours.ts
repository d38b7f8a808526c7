/** This project's server, by its command line as users start it. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cache, repository } from '../wasm/build/paths.js'
import { freePort, outputOf, SETTINGS, type System, serverOf } from './system.js'

/** Beside the other systems' data: all on one disk. */
const SCRATCH = join(cache, 'bench')

/** @param node the Node that runs it */
export function ours(node = process.execPath): System {
  const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    version: string
  }
  return {
    name: 'ours',
    label: `pglite-imports-server ${version}`,
    shares: '',
    makeDirectory(name) {
      const path = join(SCRATCH, name)
      rmSync(path, { recursive: true, force: true })
      mkdirSync(path, { recursive: true })
      return path
    },
    removeDirectory: path => rmSync(path, { recursive: true, force: true }),
    async start(directory, ownArguments = []) {
      const port = await freePort()
      const began = performance.now()
      const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
      const child = spawn(
        node,
        [
          join(repository, 'dist/bin/pglite-imports-server.js'),
          ...(directory ? ['-D', directory, ...settings] : []),
          ...['-h', '127.0.0.1', '-p', String(port), ...ownArguments],
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      )
      return serverOf(child, port, began, outputOf(child))
    },
  }
}
