/** The server that a base backup is taken of, and how one connects to it. */
import type { Client } from 'pg'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import {
  type CopiedFile,
  copied,
  forNodePostgres,
  TLS_OPTIONS,
  type TlsOptions,
  tlsOptions,
} from './tls-options.js'

const MAJOR = '18'

/** Parameters of a URL that only node-postgres knows. */
const NOT_FOR_LIBPQ = ['uselibpqcompat', 'ssl', 'replication']

/** How a standby connects to its primary. */
export interface PrimaryConnection {
  /** The value of primary_conninfo. */
  readonly info: string
  /** Files that it names, which the standby needs in its data directory. */
  readonly files: readonly CopiedFile[]
}

/**
 * Connects for physical replication, as node-postgres does: by the URL, and what it leaves out by PGPASSWORD, ~/.pgpass, …
 *
 * @param url postgres://…; `sslmode` means in it what it means for libpq
 * @throws StartupError when the server cannot be reached, refuses the connection, or is no PostgreSQL 18
 */
export async function connectTo(url: string): Promise<Client> {
  const client = await clientFor(url)
  // A connection that is lost fails the command that runs on it.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    throw new StartupError(`cannot connect to ${shown(url)}: ${reasonOf(error)}`, errorCode(error))
  }
  const version = (await client.query('SHOW server_version')).rows[0].server_version as string
  if (version.split('.')[0] === MAJOR) return client
  await client.end()
  throw new StartupError(
    `${shown(url)} is PostgreSQL ${version}, and this is ${MAJOR}, which cannot use its files: dump it and restore the dump`,
  )
}

/** @throws StartupError when the URL is none, or names a certificate that cannot be read */
export async function clientFor(url: string): Promise<Client> {
  const parsed = parse(url)
  const options = forNodePostgres(tlsOptionsOf(parsed))
  for (const name of TLS_OPTIONS) parsed.searchParams.delete(name)
  for (const [name, value] of Object.entries(options)) parsed.searchParams.set(name, value)
  if (options.sslmode !== undefined) parsed.searchParams.set('uselibpqcompat', 'true')
  // Imported here, so that a start without --follow does not load the driver.
  const { default: pg } = await import('pg')
  // node-postgres' types lack this.
  const replication: object = { replication: 'true' }
  try {
    return new pg.Client({ connectionString: parsed.href, ...replication })
  } catch (error) {
    throw new StartupError(`cannot connect to ${shown(url)}: ${(error as Error).message}`)
  }
}

/** How a standby connects to the server that `client` is made for. */
export function primaryConnection(client: Client, url: string): PrimaryConnection {
  const { user, host, port, password } = client
  const parsed = parse(url)
  const others = [...parsed.searchParams].filter(
    ([name]) => !NOT_FOR_LIBPQ.includes(name) && !['user', 'host', 'port', 'password'].includes(name),
  )
  const { options, files } = copied(tlsOptionsOf(parsed))
  const parameters = Object.entries({ user, password, host, port, ...Object.fromEntries(others), ...options })
  const info = parameters
    .filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => `${name}=${quoted(String(value))}`)
    .join(' ')
  return { info, files }
}

const tlsOptionsOf = ({ searchParams }: URL): TlsOptions => tlsOptions(name => searchParams.get(name))

/** As a value in a connection string of libpq. */
function quoted(value: string): string {
  return /^[\w.:/-]+$/.test(value) ? value : `'${value.replace(/['\\]/g, '\\$&')}'`
}

/** A URL without its password, for messages. */
export function shown(url: string): string {
  const parsed = parse(url)
  parsed.password = ''
  parsed.searchParams.delete('password')
  return parsed.href
}

/** @throws StartupError when it is none */
function parse(url: string): URL {
  if (!/^postgres(ql)?:\/\//.test(url))
    throw new StartupError('name the server by a URL, such as postgres://user@host:5432')
  try {
    return new URL(url)
  } catch {
    throw new StartupError('the URL of the server cannot be read: write % and @ in a password as %25 and %40')
  }
}

/** Node has several errors in one where it has tried several addresses. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join(', ')
  return (error as Error).message
}
