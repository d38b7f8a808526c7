/** `status`, `stop` and `reload`: ask or control the server of a data directory, as pg_ctl does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, Option } from 'commander'
import { signalHolder } from '../server/data-directory/lock.js'
import type { ServerSignal } from '../server/data-directory/lock-socket.js'
import { StartupError, type StopMode } from '../server/index.js'
import { SHUTDOWN_SIGNALS } from '../wasm/cluster/signals.js'
import { errorCode } from '../wasm/cluster/startup-error.js'
import { NoCluster, type RunningServer, requireRunningServer, runningServer } from './running-server.js'
import { wholeNumber } from './server-options.js'

/** Exit codes of pg_ctl status, which are those of the LSB's init scripts. */
const NOT_RUNNING = 3
const NO_DATA_DIRECTORY = 4

/** Milliseconds between two checks whether the server has ended. */
const PAUSE = 50

export function controlCommands(): Command[] {
  return [
    command(
      'status',
      'tell whether a server runs, and where; exit code 3 if none runs, 4 if there is no cluster',
    )
      .option('--json', 'print one JSON object')
      .action(status),
    command('stop', 'shut a server down, and wait until it has ended')
      .addOption(
        new Option(
          '-m, --mode <mode>',
          'smart waits for clients to leave, fast disconnects them, immediate stops at once',
        )
          .choices(Object.keys(SHUTDOWN_SIGNALS))
          .default('fast'),
      )
      .option('-t, --timeout <seconds>', 'how long to wait', wholeNumber, 60)
      .option('-W, --no-wait', 'do not wait')
      .action(stop),
    command('reload', 'make a server read its configuration files again').action(async ({ dataDir }) => {
      await signal(await requireRunningServer(dataDir), 'SIGHUP')
    }),
  ]
}

function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .requiredOption('-D, --data-dir <dir>', 'data directory of the server')
}

async function status({ dataDir, json }: { dataDir: string; json?: true }): Promise<void> {
  let server: RunningServer | undefined
  try {
    server = await runningServer(dataDir)
  } catch (error) {
    if (!(error instanceof NoCluster)) throw error
    console.error(`pglite-imports-server: ${error.message}`)
    process.exitCode = NO_DATA_DIRECTORY
    return
  }
  if (json) console.log(JSON.stringify({ running: server !== undefined, ...server }))
  else if (server === undefined) console.log('no server runs')
  else {
    const { pid, host, state, address, port } = server
    const where = host === undefined ? '' : ` on host "${host}"`
    console.log(`server is ${state}, PID ${pid}${where}, at ${address}, port ${port}`)
  }
  if (server === undefined) process.exitCode = NOT_RUNNING
}

interface StopOptions {
  dataDir: string
  mode: StopMode
  timeout: number
  wait: boolean
}

async function stop({ dataDir, mode, timeout, wait }: StopOptions): Promise<void> {
  const server = await requireRunningServer(dataDir)
  await signal(server, SHUTDOWN_SIGNALS[mode])
  if (!wait) return
  const deadline = performance.now() + timeout * 1000
  while ((await runningServer(dataDir))?.pid === server.pid) {
    if (performance.now() > deadline) {
      const hint = mode === 'smart' ? ': clients are connected; -m fast disconnects them' : ''
      throw new StartupError(`the server has not stopped within ${timeout} s${hint}`)
    }
    await sleep(PAUSE)
  }
}

async function signal(server: RunningServer, name: ServerSignal): Promise<void> {
  try {
    await signalHolder(server.dataDir, server, name)
  } catch (error) {
    if (['ESRCH', 'ENOENT'].includes(errorCode(error) ?? '')) return // The server has just ended.
    throw new StartupError(
      `cannot send a signal to the server (PID ${server.pid}): ${(error as Error).message}`,
    )
  }
}
