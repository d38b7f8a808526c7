/** `init`, `export` and `import`: commands for a cluster that no server runs on. */
import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { Command } from 'commander'
import { exportDataDirectory, importDataDirectory, StartupError } from '../server/index.js'
import { createDataDirectory } from '../server/new-cluster/initdb.js'
import { errorCode } from '../wasm/cluster/startup-error.js'

export function clusterCommands(): Command[] {
  return [
    command('init', 'make a new cluster (start does so as well if there is none)')
      .usage("-D dir [initdb's options...]")
      .argument(
        '[options...]',
        'options of initdb, such as -A scram-sha-256 --pwfile file, -U name, --data-checksums',
      )
      .allowUnknownOption()
      .action(init),
    command('export', 'write a cluster to one file, a gzipped tar archive; no server may run on the cluster')
      .argument('[file]', 'file to write; - is stdout', '-')
      .action(exportTo),
    command(
      'import',
      'make a new cluster from a file that export has written, or from files of PGlite, which it converts',
    )
      .argument('[file]', 'file to read, - is stdin; or a data directory that no server runs on', '-')
      .option('-U, --username <name>', 'a superuser of the cluster, to convert it (default: postgres)')
      .action(importFrom),
  ]
}

function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('-D, --data-dir <dir>', 'directory of the cluster')
}

async function init(options: string[], { dataDir }: { dataDir: string }): Promise<void> {
  const path = await createDataDirectory(dataDir, options)
  console.log(`made a new cluster in "${path}"; start a server with: pglite-imports-server -D ${dataDir}`)
}

async function exportTo(file: string, { dataDir }: { dataDir: string }): Promise<void> {
  if (file === '-' && process.stdout.isTTY)
    throw new StartupError('an archive is not written to a terminal: name a file')
  const archive = Readable.fromWeb((await exportDataDirectory(dataDir)) as WebStream)
  if (file === '-') return pipeline(archive, process.stdout)
  // The file gets its name once it is whole.
  const unfinished = `${file}.${process.pid}`
  try {
    await pipeline(archive, createWriteStream(unfinished, { mode: 0o600, flush: true }))
    renameSync(unfinished, file)
  } catch (error) {
    rmSync(unfinished, { force: true })
    throw refusal(`cannot write "${file}"`, error)
  }
}

async function importFrom(
  file: string,
  { dataDir, username }: { dataDir: string; username?: string },
): Promise<void> {
  if (file === '-' && process.stdin.isTTY)
    throw new StartupError('an archive is not read from a terminal: name a file')
  try {
    await importDataDirectory(dataDir, await input(file), {
      superuser: username,
      onNote: note => console.error(`pglite-imports-server: ${note}`),
    })
  } catch (error) {
    throw refusal(`cannot read "${file}"`, error)
  }
}

/** The archive, or the path of a directory. */
async function input(file: string): Promise<ReadableStream<Uint8Array> | string> {
  const stream = (readable: Readable) => Readable.toWeb(readable) as ReadableStream<Uint8Array>
  if (file === '-') return stream(process.stdin)
  const handle = await open(file)
  if (!(await handle.stat()).isDirectory()) return stream(handle.createReadStream())
  await handle.close()
  return file
}

function refusal(what: string, error: unknown): unknown {
  if (error instanceof StartupError || errorCode(error) === undefined) return error
  return new StartupError(`${what}: ${(error as Error).message}`, errorCode(error))
}
