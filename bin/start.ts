/** `start`: starts a server, says how to connect to it, and stops it on signals as `postgres` does. */
import { Command, Option } from 'commander'
import { type PostgresServer, type StopMode, startServer } from '../server/index.js'
import { TerseLog } from '../server/log.js'
import { bridge } from './bridge.js'
import { addServerOptions, type ServerOptions, startServerOptions } from './server-options.js'

interface StartOptions extends ServerOptions {
  remote?: string
  quiet?: true
  verbose?: true
}

/** A second Ctrl-C within this many milliseconds is the same one: npm and npx pass on what the terminal has sent already. */
const SAME_INTERRUPT = 300

export const SIGNALS = `
Ctrl-C (SIGINT) disconnects the clients and shuts down, a second one stops at once.
SIGTERM waits for the clients to leave, SIGQUIT stops at once, SIGHUP reloads the configuration.`

export function startCommand(): Command {
  return addServerOptions(
    new Command('start').description('serve a cluster until a signal stops it; the default command'),
  )
    .addOption(
      new Option(
        '--remote <url>',
        'serve no cluster, but lead to a server elsewhere, by WebSocket',
      ).conflicts(['dataDir', 'set', 'socketDir', 'maxConnections']),
    )
    .addOption(new Option('-q, --quiet', 'print the connection string only, no log').conflicts('verbose'))
    .addOption(new Option('-v, --verbose', "print all of PostgreSQL's log, from severity INFO"))
    .addHelpText('after', SIGNALS)
    .action(start)
}

async function start(options: StartOptions): Promise<void> {
  const { remote, host, port } = options
  if (remote !== undefined) return bridge({ url: remote, host, port }, options.quiet ?? false)
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

  server = await startServer({
    ...startServerOptions(options),
    settings: { ...defaultSettings(options), ...options.set },
    log: options.quiet ? false : options.verbose ? write : line => terse.add(line),
  })
  terse.started()
  console.log(options.quiet ? server.url : greeting(server))

  process.exit(await server.exited)
}

/** Checkpoints are chatter to most who run this. */
function defaultSettings({ verbose }: StartOptions): Record<string, string> {
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
