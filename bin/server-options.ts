/** The options that say what server to start; whichever command starts one has them. */
import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { type StartServerOptions, StartupError } from '../server/index.js'

export interface ServerOptions {
  dataDir?: string
  port?: number
  host?: string
  socketDir?: string
  allowDir?: string[]
  username?: string
  passwordFile?: string
  insecureListen?: true
  tlsCert?: string
  tlsKey?: string
  tlsCa?: string
  tlsSelfSigned?: true
  set?: Record<string, string>
  maxConnections?: number
  threads: boolean
  httpPort?: number
  httpHost?: string
}

export function addServerOptions(command: Command): Command {
  return command
    .option(
      '-D, --data-dir <dir>',
      'directory of the cluster, made if missing (default: an ephemeral cluster)',
    )
    .option('-p, --port <port>', 'TCP port, 0 for any free one (default: 5432)', wholeNumber)
    .option('-h, --host <hosts>', 'where to listen, comma-separated; * for everywhere (default: localhost)')
    .option('-k, --socket-dir <dir>', 'directory for a unix socket as well')
    .option('-U, --username <name>', "the superuser's name (default: postgres)")
    .option(
      '--password-file <file>',
      "file with the superuser's password, for a new cluster (default: the environment's POSTGRES_PASSWORD)",
    )
    .option('--insecure-listen', 'let other machines connect without password and TLS')
    .option('--tls-cert <file>', 'offer TLS, with this certificate; PEM, as the next two')
    .option('--tls-key <file>', 'its private key')
    .option('--tls-ca <file>', 'certificates of the authorities that sign the certificates of clients')
    .option('--tls-self-signed', 'offer TLS, with a certificate that is made in the data directory')
    .option(
      '--allow-dir <dir>',
      'directory outside of the cluster where SQL may read and write files; may be repeated',
      list,
    )
    .option('-c, --set <name=value>', 'a setting of PostgreSQL, may be repeated', setting)
    .option('--max-connections <number>', 'how many clients at once', wholeNumber)
    .option(
      '--http-port <port>',
      'serve /health, /ready and /metrics on this port, 0 for any free one',
      wholeNumber,
    )
    .option('--http-host <host>', 'where to serve them (default: localhost)')
    .option('--no-threads', 'run all processes on one thread, by JSPI (Node 24 or later)')
}

/** The same as startServer() takes them. */
export function startServerOptions(options: ServerOptions): StartServerOptions {
  return {
    dataDir: options.dataDir,
    port: options.port,
    host: options.host,
    unixSocketDir: options.socketDir,
    allowDirs: options.allowDir,
    tls: tlsOption(options),
    superuser: options.username,
    password: password(options.passwordFile),
    insecureListen: options.insecureListen,
    maxConnections: options.maxConnections,
    threads: options.threads,
    settings: options.set,
    http: options.httpPort === undefined ? undefined : { port: options.httpPort, host: options.httpHost },
  }
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
      'TLS needs both --tls-cert and --tls-key (to which --tls-ca can be added), or --tls-self-signed',
    )
  return options.tlsSelfSigned && 'self-signed'
}

/** Never from the command line, which everybody on the machine can see. */
function password(file: string | undefined): string | undefined {
  if (file === undefined) return process.env.POSTGRES_PASSWORD || undefined
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
