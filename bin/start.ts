/** `start`: starts a server, says how to connect to it, and stops it on signals as `postgres` does. */
import { Command, Option } from 'commander'
import { makeStandby } from '../server/base-backup/clone.js'
import { isCluster } from '../server/data-directory/data-directory.js'
import { becomeOwner } from '../server/data-directory/owner.js'
import {
  type PostgresServer,
  type ServerControl,
  StartupError,
  type StopMode,
  startServer,
} from '../server/index.js'
import { SHUTDOWN_SIGNALS } from '../wasm/cluster/signals.js'
import { StartError } from '../wasm/cluster/start-error.js'
import { errorCode } from '../wasm/cluster/startup-error.js'
import { pathOfPrograms } from './built-in.js'
import { progressOn } from './clone.js'
import { fromEnvironment, variablesThatCount } from './environment.js'
import { type LogOptions, makeLog } from './log.js'
import { clientEnvironment, description, greeting, urls, writeReadyFile } from './ready.js'
import { type RunningCommand, runCommand } from './run.js'
import {
  addServerOptions,
  type ServerOptions,
  STOP_TIMEOUT,
  secondsOrNever,
  startServerOptions,
} from './server-options.js'
import { shutDownSmartly } from './smart-shutdown.js'
import { notifySystemd } from './systemd.js'

interface StartOptions extends ServerOptions, LogOptions {
  remote?: string
  standbyOf?: string
  slot?: string
  asOwner?: true
  json?: true
  readyFile?: string
  run?: string
  stopTimeout: number | 'never'
}

/** Within this many milliseconds a second SIGINT is the same Ctrl-C: npm and npx pass on what the terminal has sent already. */
const SAME_INTERRUPT = 300

export const SIGNALS = `
Ctrl-C (SIGINT) disconnects the clients and shuts down; a second one stops at once.
On SIGTERM the server waits for its clients to leave, but no longer than --stop-timeout; on SIGQUIT it stops at once; on SIGHUP it
reads its configuration again.`

export function startCommand(): Command {
  return addServerOptions(
    new Command('start').description(
      'start a server, which runs until a signal stops it; the default command',
    ),
  )
    .addOption(
      new Option(
        '--remote <url>',
        'start no server, but a bridge: forward clients to the server at this wss:// URL',
      ).conflicts([
        'dataDir',
        'set',
        'socketDir',
        'maxConnections',
        'run',
        'json',
        'readyFile',
        'httpPort',
        'console',
        'standbyOf',
      ]),
    )
    .option(
      '--standby-of <url>',
      'follow the PostgreSQL 18 at this postgres:// URL; a missing or empty data directory gets a copy of its cluster',
    )
    .option('--as-owner', 'run as the user to whom the data directory belongs; only root can')
    .option(
      '--slot <name>',
      'with --standby-of: use this replication slot, which is made if missing, and which keeps WAL as long as it exists',
    )
    .addOption(new Option('-q, --quiet', 'print only the connection string, and no log').conflicts('verbose'))
    .addOption(new Option('-v, --verbose', "print all of PostgreSQL's log, from severity INFO"))
    .addOption(
      new Option('--log-format <format>', 'format of the log on stderr')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--json', 'print one JSON object instead of the greeting when the server is ready')
    .option('--ready-file <file>', 'write that JSON object to a file while the server is ready')
    .option(
      '--run <command>',
      'run a shell command with DATABASE_URL set; stop when it ends, with its exit code',
    )
    .option(
      '--stop-timeout <seconds>',
      'how long the server waits after SIGTERM before it disconnects its clients; never: until they have disconnected',
      secondsOrNever,
      STOP_TIMEOUT,
    )
    .addHelpText('after', SIGNALS)
    .action(options => {
      // The server goes on if the reader of stdout has ended. After the threads, which listen there too, Node would warn of a leak.
      process.stdout.on('error', () => {})
      return start(options)
    })
}

async function start(options: StartOptions): Promise<void> {
  const { remote, host, port } = options
  if (remote !== undefined) {
    const { bridge } = await import('./bridge.js')
    return bridge({ url: remote, host, port }, options.quiet ?? false)
  }
  const log = makeLog(options)
  let server: ServerControl | undefined
  let ready: PostgresServer | undefined
  let command: RunningCommand | undefined
  let stopping = false
  const stop = (mode: StopMode) => {
    stopping = true
    log.stopping()
    notifySystemd('STOPPING=1')
    // PostgreSQL has not been started yet.
    if (server === undefined) process.exit(1)
    const { stopTimeout } = options
    const seconds = stopTimeout === 'never' ? undefined : stopTimeout
    if (mode === 'smart' && ready !== undefined) void shutDownSmartly(ready, seconds, log.note)
    else void server.stop(mode)
  }
  // With --run the command gets the signal. The server stops when the command ends.
  const signalled = (mode: StopMode) => {
    if (command !== undefined && !stopping) command.kill(SHUTDOWN_SIGNALS[mode])
    else stop(mode)
  }
  let interrupted = Number.NEGATIVE_INFINITY
  const interrupt = () => {
    const now = performance.now()
    if (now - interrupted > SAME_INTERRUPT) signalled(stopping ? 'immediate' : 'fast')
    interrupted = now
  }
  process.on(SHUTDOWN_SIGNALS.fast, interrupt)
  process.on(SHUTDOWN_SIGNALS.smart, () => signalled('smart'))
  process.on(SHUTDOWN_SIGNALS.immediate, () => signalled('immediate'))
  if (process.platform === 'win32') {
    // As PostgreSQL on Windows, for Ctrl-Break and a closed window. Node reports the latter as SIGHUP with a number.
    process.on('SIGBREAK', interrupt)
    process.on('SIGHUP', (_, number?: number) => (number === undefined ? server?.reload() : interrupt()))
  } else process.on('SIGHUP', () => server?.reload())
  process.on('SIGUSR1', () => server?.checkRequests())

  try {
    const environment = fromEnvironment(process.env)
    const optional = startServerOptions(options)
    const given = { ...environment, ...optional }
    if (options.asOwner && given.dataDir !== undefined) becomeOwner(given.dataDir)
    if (options.standbyOf !== undefined) await follow(options.standbyOf, given.dataDir, options)
    const created = given.dataDir === undefined || !isCluster(given.dataDir)
    // To ask an installed program for its version takes as long as half of a start.
    const programs = options.run === undefined ? undefined : pathOfPrograms()
    const started = await startServer({
      ...given,
      settings: { ...log.settings, ...options.set },
      defaults: log.defaults,
      log: log.sink,
      onStarting: starting => {
        server = starting
      },
    })
    server = ready = started
    if (options.pools || options.templateSql !== undefined) await servePools(started, options)
    log.started()
    if (options.readyFile !== undefined) writeReadyFile(options.readyFile, started)
    announce(started, options, variablesThatCount(environment, optional, created))
    notifySystemd('READY=1')
    if (options.run !== undefined) {
      command = runCommand(options.run, { ...clientEnvironment(started, given), ...(await programs) })
      process.exit(await together(started, command, stop))
    }
    process.exit(await started.exited)
  } catch (error) {
    // An error of the file system is printed as one line as well.
    if (!(error instanceof StartupError) && errorCode(error) === undefined) throw error
    // A signal that stops a start is no failure.
    if (!stopping) log.failed((error as Error).message, error instanceof StartError ? error.rest : [])
    process.exit(1)
  }
}

async function servePools(server: PostgresServer, { templateSql }: StartOptions): Promise<void> {
  try {
    await server.servePools({ templateSql })
  } catch (error) {
    await server.stop()
    throw error
  }
}

/** @throws StartupError when no directory is given, or its cluster cannot follow that server */
async function follow(
  url: string,
  dataDir: string | undefined,
  { slot, quiet }: StartOptions,
): Promise<void> {
  if (dataDir === undefined) throw new StartupError('a standby needs a data directory: name it by -D')
  await makeStandby(dataDir, url, { slot, ...(quiet ? {} : { onProgress: progressOn(process.stderr) }) })
}

/** Says on stdout that the server is ready; with --run on stderr, because stdout is the command's. */
function announce(
  server: PostgresServer,
  { json, quiet, run }: StartOptions,
  variables: readonly string[],
): void {
  const text = json ? description(server) : quiet ? urls(server) : greeting(server, variables)
  if (run === undefined) console.log(text)
  else if (!quiet) console.error(text)
}

/** Waits until one of the two ends, and ends the other. Returns the command's exit code, 1 if it is 0 and the server ended first. */
async function together(
  server: PostgresServer,
  command: RunningCommand,
  stop: (mode: StopMode) => void,
): Promise<number> {
  const ended = await Promise.race([command.exited, server.exited.then(() => undefined)])
  if (ended === undefined) {
    await command.end()
    return (await command.exited) || 1
  }
  // Ends programs that the command has left running.
  await command.end()
  stop('fast')
  await server.exited
  return ended
}
