#!/usr/bin/env node
/**
 * The command line: starts a server, says how to connect to it, and stops it on signals as `postgres` does. Options are
 * named as those of postgres and psql.
 */
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type PostgresServer, StartupError, type StopMode, startServer } from '../server/index.js'
import { TerseLog } from '../server/log.js'

interface Options {
  dataDir?: string
  port?: number
  host?: string
  socketDir?: string
  set?: Record<string, string>
  maxConnections?: number
  threads: boolean
  quiet?: true
  verbose?: true
}

/** A second Ctrl-C within this many milliseconds is the same one: npm and npx pass on what the terminal has sent already. */
const SAME_INTERRUPT = 300

// This file runs as dist/bin/pglite-imports-server.js.
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

const program = new Command('pglite-imports-server')
  .description('PostgreSQL 18 as a WebAssembly module, serving real clients')
  .version(version, '--version', 'print the version')
  .helpOption('--help', 'print this help')
  .option('-D, --data-dir <dir>', 'directory of the cluster, made if missing (default: an ephemeral cluster)')
  .option('-p, --port <port>', 'TCP port, 0 for any free one (default: 5432)', wholeNumber)
  .option('-h, --host <hosts>', 'where to listen, comma-separated; * for everywhere (default: localhost)')
  .option('-k, --socket-dir <dir>', 'directory for a unix socket as well')
  .option('-c, --set <name=value>', 'a setting of PostgreSQL, may be repeated', setting)
  .option('--max-connections <number>', 'how many clients at once', wholeNumber)
  .option('--no-threads', 'run all processes on one thread, by JSPI (Node 24 or later)')
  .addOption(new Option('-q, --quiet', 'print the connection string only, no log').conflicts('verbose'))
  .addOption(new Option('-v, --verbose', "print all of PostgreSQL's log, from severity INFO"))
  .addHelpText(
    'after',
    `
Ctrl-C (SIGINT) disconnects the clients and shuts down, a second one stops at once.
SIGTERM waits for the clients to leave, SIGQUIT stops at once, SIGHUP reloads the configuration.`,
  )
  .allowExcessArguments(false)
  .action(start)

await program.parseAsync()

async function start(options: Options): Promise<void> {
  const write = (line: string) => process.stderr.write(`${line}\n`)
  const terse = new TerseLog(write)
  let server: PostgresServer | undefined
  let stopping = false
  const stop = (mode: StopMode) => {
    // While it starts there is nothing to stop: leaving is as good as a crash, from which PostgreSQL recovers.
    if (server === undefined) process.exit(1)
    stopping = true
    terse.stopping()
    void server.stop(mode)
  }
  let interrupted = Number.NEGATIVE_INFINITY
  process.on('SIGINT', () => {
    const now = performance.now()
    if (now - interrupted > SAME_INTERRUPT) stop(stopping ? 'immediate' : 'fast')
    interrupted = now
  })
  process.on('SIGTERM', () => stop('smart'))
  process.on('SIGQUIT', () => stop('immediate'))
  process.on('SIGHUP', () => server?.reload())

  try {
    server = await startServer({
      dataDir: options.dataDir,
      port: options.port,
      host: options.host,
      unixSocketDir: options.socketDir,
      maxConnections: options.maxConnections,
      threads: options.threads,
      settings: { ...defaultSettings(options), ...options.set },
      log: options.quiet ? false : options.verbose ? write : line => terse.add(line),
    })
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    console.error(`pglite-imports-server: ${error.message}`)
    process.exit(1)
  }
  terse.started()
  console.log(options.quiet ? server.url : greeting(server))

  process.exit(await server.exited)
}

/** Checkpoints are chatter to most who run this. */
function defaultSettings({ verbose }: Options): Record<string, string> {
  return verbose ? { log_min_messages: 'info' } : { log_checkpoints: 'off' }
}

function greeting(server: PostgresServer): string {
  const { url, host, port, socketPath, dataDir, ephemeral } = server
  const at = host === '' ? socketPath?.replace(/\/[^/]*$/, '') : host
  return [
    `PostgreSQL is ready: ${url}`,
    `  connect with:      psql -h ${at} -p ${port} -U postgres`,
    ...(socketPath !== undefined && host !== '' ? [`  unix socket:       ${socketPath}`] : []),
    ephemeral
      ? '  data:              ephemeral, gone when the server stops; keep it with -D DIR'
      : `  data:              ${dataDir}`,
    '  stop with:         Ctrl-C',
  ].join('\n')
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}

function setting(text: string, settings: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([\w.]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be name=value.')
  return { ...settings, [name]: value }
}
