/** The options of a command that starts a server. */
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { type StartServerOptions, StartupError } from '../server/index.js'

export interface ServerOptions {
  dataDir?: string
  port?: number
  host?: string
  socketDir?: string
  allowDir?: string[]
  shareDir?: string[]
  username?: string
  database?: string
  init?: string[]
  passwordFile?: string
  insecureListen?: true
  tlsCert?: string
  tlsKey?: string
  tlsCa?: string
  tlsSelfSigned?: true
  set?: Record<string, string>
  maxConnections?: number
  threads: boolean
  pools?: true
  templateSql?: string[]
  httpPort?: number
  httpHost?: string
  httpCors?: string[]
  console?: true
}

export function addServerOptions(command: Command): Command {
  return command
    .option('-D, --data-dir <dir>', 'data directory, made if missing (default: an ephemeral one)')
    .option('-p, --port <port>', 'TCP port, 0 for any free one (default: 5432)', wholeNumber)
    .option('-h, --host <hosts>', 'where to listen, comma-separated; * for everywhere (default: localhost)')
    .option('-k, --socket-dir <dir>', 'listen on a unix socket in this directory as well')
    .option(
      '-U, --username <name>',
      'name of the superuser, in a new or an existing cluster (default: postgres)',
    )
    .option('-d, --database <name>', 'the database to connect to; a new cluster gets it (default: postgres)')
    .option(
      '--init <path>',
      'a file, or a directory of files, to run in a new cluster: .sql, .sql.gz or .mjs; may be repeated',
      list,
    )
    .option(
      '--password-file <file>',
      "file with the superuser's password, for a new cluster (default: $POSTGRES_PASSWORD)",
    )
    .option('--insecure-listen', 'let other machines connect without password and TLS')
    .option('--tls-cert <file>', 'offer TLS with this certificate (PEM)')
    .option('--tls-key <file>', 'private key of that certificate (PEM)')
    .option('--tls-ca <file>', 'certificates of the authorities that sign certificates of clients (PEM)')
    .option('--tls-self-signed', 'offer TLS with a certificate that the server makes in the data directory')
    .option('--allow-dir <dir>', 'allow SQL to read and write files in this directory; may be repeated', list)
    .option(
      '--share-dir <dir>',
      'a directory with dictionaries, time zone sets or SQL extensions of your own; may be repeated',
      list,
    )
    .option('-c, --set <name=value>', 'a setting of PostgreSQL; may be repeated', setting)
    .option(
      '--max-connections <number>',
      'how many clients may be connected at once (default: 100)',
      wholeNumber,
    )
    .option(
      '--http-port <port>',
      'serve /health, /ready, /metrics and queries (/sql) on this port, 0 for any free one',
      wholeNumber,
    )
    .option('--http-host <host>', 'where to listen with --http-port (default: localhost)')
    .option('--http-cors <origin>', 'let pages of this origin send queries to /sql; may be repeated', list)
    .option('--console', 'serve a page with a SQL editor, sessions, tables and charts, and print its URL')
    .option('--pools', 'keep clones of databases ready for clients that ask for them (see docs/testing.md)')
    .option(
      '--template-sql <path>',
      'make a database "template" of a file, or a directory of files, and keep clones of it ready; may be repeated',
      list,
    )
    .option('--no-threads', 'run all processes on one thread (needs Node 24 or later)')
}

/**
 * The options that are given.
 *
 * @throws StartupError when options do not go together, or the password file cannot be read
 */
export function startServerOptions(options: ServerOptions): StartServerOptions {
  const given: StartServerOptions = {
    dataDir: options.dataDir,
    port: options.port,
    host: options.host,
    unixSocketDir: options.socketDir,
    allowDirs: options.allowDir,
    shareDirs: options.shareDir,
    tls: tlsOption(options),
    superuser: options.username,
    password: options.passwordFile === undefined ? undefined : password(options.passwordFile),
    database: options.database,
    init: options.init,
    insecureListen: options.insecureListen,
    maxConnections: options.maxConnections,
    threads: options.threads,
    settings: options.set,
    http:
      options.httpPort === undefined && !options.console
        ? undefined
        : { port: options.httpPort ?? 0, host: options.httpHost, cors: options.httpCors },
    console: options.console,
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** The default of --stop-timeout. */
export const STOP_TIMEOUT = 10

export function secondsOrNever(text: string): number | 'never' {
  return text === 'never' ? text : wholeNumber(text)
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function tlsOption(options: ServerOptions): StartServerOptions['tls'] {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = options
  if (cert !== undefined && key !== undefined) return { cert, key, ca }
  if (cert !== undefined || key !== undefined || ca !== undefined)
    throw new StartupError(
      'TLS needs both --tls-cert and --tls-key, or --tls-self-signed; --tls-ca needs the first two',
    )
  return options.tlsSelfSigned && 'self-signed'
}

/** No option takes the password itself, because all users of the machine can see command lines. */
function password(file: string): string {
  try {
    const [line = ''] = readFileSync(file, 'utf8').split(/\r?\n/)
    if (line === '') throw new Error('its first line is empty')
    return line
  } catch (error) {
    throw new StartupError(`cannot read a password from "${file}": ${(error as Error).message}`)
  }
}

function list(text: string, texts: string[] = []): string[] {
  return [...texts, text]
}

function setting(text: string, settings: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([\w.]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be name=value.')
  return { ...settings, [name]: value }
}
