/** Gives a new cluster its database, and runs the files of `--init` in it, before clients are let in. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync } from 'node:zlib'
import pg, { type Client } from 'pg'
import type { Cluster } from '../../wasm/cluster/cluster.js'
import { InProcessSocket } from '../../wasm/cluster/in-process.js'
import { join as joinConnections } from '../../wasm/cluster/joined.js'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import { posixPath } from '../../wasm/node/paths.js'
import { runClient } from '../../wasm/node/run-program.js'

export interface Initialisation {
  readonly cluster: Cluster
  readonly superuser: string
  readonly password: string | undefined
  readonly database: string
  /** Whether the database has to be created. */
  readonly create: boolean
  /** As filesToRun() returns them. */
  readonly files: readonly string[]
  /** Is called with each line that the files print. */
  readonly log: (line: string) => void
}

/** @throws StartupError that names the file, and the line where that is known, of the first error */
export async function initialise(given: Initialisation): Promise<void> {
  const { database, create, files } = given
  if (create)
    await withClient(given, 'postgres', client =>
      client.query(`create database ${client.escapeIdentifier(database)}`),
    )
  for (const file of files) {
    if (file.endsWith('.mjs')) await runModule(given, file)
    else await runSql(given, file)
  }
}

async function withClient<T>(
  { cluster, superuser: user, password }: Initialisation,
  database: string,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    stream: () => new InProcessSocket(() => cluster.connect()),
    user,
    password,
    database,
  })
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

/** A module's default export is called with a client of node-postgres. */
async function runModule(given: Initialisation, file: string): Promise<void> {
  try {
    await withClient(given, given.database, async client => {
      const { default: run } = await import(/* webpackIgnore: true */ pathToFileURL(file).href)
      if (typeof run !== 'function') throw new Error('it has no default export that is a function')
      await run(client)
    })
  } catch (error) {
    const { message, stack = '' } = error as Error
    const line = stack.split(pathToFileURL(file).href)[1]?.match(/^:(\d+)/)?.[1]
    throw new StartupError(`${file}${line === undefined ? '' : `:${line}`}: ${message}`)
  }
}

async function runSql(given: Initialisation, file: string): Promise<void> {
  if (!file.endsWith('.gz')) return psql(given, file, file)
  const folder = mkdtempSync(join(tmpdir(), 'init-'))
  try {
    const unpacked = join(folder, basename(file, '.gz'))
    writeFileSync(unpacked, gunzipSync(readFileSync(file)), { mode: 0o600 })
    await psql(given, unpacked, file)
  } catch (error) {
    if (error instanceof StartupError) throw error
    throw new StartupError(`${file}: ${(error as Error).message}`, errorCode(error))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs psql on a connection to the cluster. @param name the name of the file in messages */
async function psql(given: Initialisation, file: string, name: string): Promise<void> {
  const { cluster, superuser, password, database, log } = given
  const path = posixPath(file)
  const args = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', path]
  let said = ''
  const code = await runClient('psql', args, {
    environment: {
      ...{ PGHOST: '/in-process', PGUSER: superuser, PGDATABASE: database, PGCLIENTENCODING: 'UTF8' },
      ...(password === undefined ? {} : { PGPASSWORD: password }),
    },
    onWrite: text => {
      said += text
    },
    connections: {
      async connect(_address, connected) {
        const psql = connected({ path: '' })
        if (psql !== undefined) joinConnections(psql, cluster.connect())
      },
      resolve: () => Promise.resolve([]),
    },
  })
  const lines = said.replaceAll(path, name).trimEnd().split('\n')
  if (code === 0) {
    for (const line of lines.filter(Boolean)) log(line)
    return
  }
  const error = lines.findLastIndex(line => /ERROR|FATAL|error:/.test(line))
  throw new StartupError(
    lines
      .slice(Math.max(error, 0))
      .join('\n')
      .replace(/^psql:/, '')
      .trim() || `${name}: psql failed`,
  )
}
