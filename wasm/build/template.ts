/**
 * The cluster template: a ready data directory as wasm/dist/cluster.tar.br, so that the first start unpacks files instead
 * of running initdb. It is made by initdb itself, run by our own host, because the layout is that of a 32-bit server.
 *
 * The databases template1, template0 and postgres are all but the same; a file whose content was there before is stored
 * as a hard link in the archive. Whoever unpacks has to make a copy of it, not a link.
 */
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import tar from 'tar-stream'
import { runProgram } from '../run-program.js'
import { BuildFailure } from './failure.js'
import { hashOf } from './hash.js'
import { cache, logFile } from './paths.js'

/** What initdb is called with, beside `--pgdata`. The same are the defaults of `init` (server/initdb.ts). */
const INITDB_OPTIONS = [
  ...['--username=postgres', '--auth=trust', '--encoding=UTF8'],
  // Collation by code point and full Unicode case mapping, without any operating system locale.
  ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
  // Small segments keep the template and short-lived clusters small; the limits keep checkpoints as rare as ever.
  ...['--wal-segsize=1', '-c', 'max_wal_size=1GB', '-c', 'min_wal_size=80MB'],
  // Whoever can open a unix socket is trusted, so that is left to the user who runs the server.
  ...['-c', 'unix_socket_permissions=0700'],
  '--no-sync',
]

/**
 * Runs initdb and packs what it made.
 *
 * @param module file of initdb.wasm
 * @param program the place of initdb in an installation, from which it finds share/
 * @param output receives cluster.tar.br
 */
export async function makeTemplate(module: string, program: string, output: string): Promise<void> {
  const dataDirectory = join(cache, 'cluster')
  rmSync(dataDirectory, { recursive: true, force: true })
  const written: string[] = []
  const code = await runProgram(module, [program, `--pgdata=${dataDirectory}`, ...INITDB_OPTIONS], {
    onWrite: text => written.push(text),
  })
  writeFileSync(logFile('initdb'), written.join(''))
  if (code !== 0)
    throw new BuildFailure(
      `could not make the cluster template: initdb ended with ${code}, see ${logFile('initdb')}`,
    )
  writeFileSync(output, await packCluster(dataDirectory))
  rmSync(dataDirectory, { recursive: true })
}

/** Packs a data directory whose server was shut down; returns the bytes of cluster.tar.br. */
async function packCluster(dataDirectory: string): Promise<Buffer> {
  const pack = tar.pack()
  const archive = buffer(pack)
  const seen = new Map<string, string>()
  const unneeded = unneededWal(dataDirectory)
  const names = readdirSync(dataDirectory, { recursive: true, encoding: 'utf8' }).sort()
  for (const name of names.filter(name => !unneeded.has(name))) {
    const path = join(dataDirectory, name)
    const header = { name, mtime: new Date(0) }
    if (statSync(path).isDirectory()) {
      pack.entry({ ...header, type: 'directory', mode: 0o700 })
      continue
    }
    const content = readFileSync(path)
    const hash = hashOf(content.toString('base64'))
    const first = seen.get(hash)
    if (first !== undefined && content.length > 0) {
      pack.entry({ ...header, type: 'link', linkname: first, mode: 0o600 })
    } else {
      seen.set(hash, name)
      pack.entry({ ...header, type: 'file', mode: 0o600 }, content)
    }
  }
  pack.finalize()
  const bytes = await archive
  return promisify(brotliCompress)(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 9,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  })
}

/**
 * After a shutdown only the segment with the last checkpoint is needed. It has the lowest number: those before it have
 * been renamed to come after it, to be written over in time.
 */
function unneededWal(dataDirectory: string): Set<string> {
  const segments = readdirSync(join(dataDirectory, 'pg_wal')).filter(name => /^[0-9A-F]{24}$/.test(name))
  return new Set(
    segments
      .sort()
      .slice(1)
      .map(name => `pg_wal/${name}`),
  )
}
