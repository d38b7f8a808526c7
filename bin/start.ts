/** `start`: starts a server, says how to connect to it, and stops it on signals as `postgres` does. */
import { Command, Option } from 'commander'
import {
  type PostgresServer,
  type ServerControl,
  StartupError,
  type StopMode,
  startServer,
} from '../server/index.js'
import { type LogOptions, makeLog } from './log.js'
import { clientEnvironment, description, greeting, writeReadyFile } from './ready.js'
import { type RunningCommand, runCommand } from './run.js'
import { addServerOptions, type ServerOptions, startServerOptions } from './server-options.js'
import { notifySystemd } from './systemd.js'

interface StartOptions extends ServerOptions, LogOptions {
  remote?: string
  json?: true
  readyFile?: string
  run?: string
}

/** A second Ctrl-C within this many milliseconds is the same one: npm and npx pass on what the terminal has sent already. */
const SAME_INTERRUPT = 300

export const SIGNALS = `
Ctrl-C (SIGINT) disconnects the clients and shuts down, a second one stops at once.
On SIGTERM the server waits until all clients have left; on SIGQUIT it stops at once; on SIGHUP it reads its configuration again.`

export function startCommand(): Command {
  return addServerOptions(
    new Command('start').description('serve a cluster until a signal stops it; the default command'),
  )
    .addOption(
      new Option(
        '--remote <url>',
        'start no server here, but forward connections to a server elsewhere, by WebSocket',
      ).conflicts(['dataDir', 'set', 'socketDir', 'maxConnections', 'run', 'json', 'readyFile', 'httpPort']),
    )
    .addOption(new Option('-q, --quiet', 'print the connection string only, no log').conflicts('verbose'))
    .addOption(new Option('-v, --verbose', "print all of PostgreSQL's log, from severity INFO"))
    .addOption(
      new Option('--log-format <format>', 'of the log on stderr').choices(['text', 'json']).default('text'),
    )
    .option('--json', 'print one JSON object instead of the greeting when the server is ready')
    .option('--ready-file <file>', 'write that JSON object to a file while the server is ready')
    .option(
      '--run <command>',
      'run a command with DATABASE_URL set, and stop when it ends, with its exit code',
    )
    .addHelpText('after', SIGNALS)
    .action(start)
}

async function start(options: StartOptions): Promise<void> {
  const { remote, host, port } = options
  if (remote !== undefined) {
    const { bridge } = await import('./bridge.js')
    return bridge({ url: remote, host, port }, options.quiet ?? false)
  }
  const log = makeLog(options)
  let server: ServerControl | undefined
  let command: RunningCommand | undefined
  let stopping = false
  const stop = (mode: StopMode) => {
    stopping = true
    log.stopping()
    notifySystemd('STOPPING=1')
    // Before PostgreSQL runs there is nothing to stop.
    if (server === undefined) process.exit(1)
    void server.stop(mode)
  }
  // The command that is run decides when it ends, and the server with it.
  const signalled = (signal: NodeJS.Signals, mode: StopMode) => {
    if (command !== undefined && !stopping) command.kill(signal)
    else stop(mode)
  }
  let interrupted = Number.NEGATIVE_INFINITY
  process.on('SIGINT', () => {
    const now = performance.now()
    if (now - interrupted > SAME_INTERRUPT) signalled('SIGINT', stopping ? 'immediate' : 'fast')
    interrupted = now
  })
  process.on('SIGTERM', () => signalled('SIGTERM', 'smart'))
  process.on('SIGQUIT', () => signalled('SIGQUIT', 'immediate'))
  process.on('SIGHUP', () => server?.reload())
  process.on('SIGUSR1', () => server?.checkRequests())

  try {
    const given = startServerOptions(options)
    const started = await startServer({
      ...given,
      settings: { ...log.settings, ...options.set },
      defaults: log.defaults,
      log: log.sink,
      onStarting: starting => {
        server = starting
      },
    })
    server = started
    log.started()
    if (options.readyFile !== undefined) writeReadyFile(options.readyFile, started)
    announce(started, options)
    notifySystemd('READY=1')
    if (options.run !== undefined) {
      command = runCommand(options.run, clientEnvironment(started, given.password))
      process.exit(await together(started, command, stop))
    }
    process.exit(await started.exited)
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    // What was to be stopped while it started has not failed.
    if (!stopping) log.failed(error.message)
    process.exit(1)
  }
}

/** What is printed to stdout; the command's output is to be alone there. */
function announce(server: PostgresServer, { json, quiet, run }: StartOptions): void {
  const text = json ? description(server) : quiet ? server.url : greeting(server)
  // Whoever wants to know can also ask for the status.
  process.stdout.on('error', () => {})
  if (run === undefined) console.log(text)
  else if (!quiet) console.error(text)
}

/** Waits for whichever of the two ends first, and ends the other. Returns the exit code of both together. */
async function together(
  server: PostgresServer,
  command: RunningCommand,
  stop: (mode: StopMode) => void,
): Promise<number> {
  const ended = await Promise.race([command.exited, server.exited.then(() => undefined)])
  if (ended === undefined) {
    command.kill('SIGTERM')
    return (await command.exited) || 1
  }
  // What it has started and left behind.
  command.kill('SIGTERM')
  stop('fast')
  await server.exited
  return ended
}
