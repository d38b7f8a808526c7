/** The options that say what server to start; whichever command starts one has them. */
import { type Command, InvalidArgumentError } from 'commander'
import type { StartServerOptions } from '../server/index.js'

export interface ServerOptions {
  dataDir?: string
  port?: number
  host?: string
  socketDir?: string
  allowDir?: string[]
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
    .option(
      '--allow-dir <dir>',
      'directory that SQL may read and write beside the cluster; may be repeated',
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

function list(text: string, texts: string[] = []): string[] {
  return [...texts, text]
}

function setting(text: string, settings: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([\w.]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be name=value.')
  return { ...settings, [name]: value }
}
