/**
 * `--run`: a shell command that gets the server's address in its environment. The server stops when the command ends, and ends
 * all processes that the command has started and left running.
 */
import { spawn, spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomName } from '../wasm/node/random.js'
import { hasMarks, processesMarked } from './marked-processes.js'

/** Milliseconds that processes have to end after SIGTERM, and between two checks whether they have ended. */
const PATIENCE = 5000
const PAUSE = 50

export interface RunningCommand {
  /** Resolves to its exit code as a shell reports it: 128 + n if signal n ended it, 127 if it could not be started. */
  readonly exited: Promise<number>
  /** Sends a signal to the command's process group: to the command and the programs that it has started. */
  kill(signal: NodeJS.Signals): void
  /** Ends the processes that the command has left: by SIGTERM, and by SIGKILL those that have not ended in time. */
  end(): Promise<void>
}

/** Starts a shell command, except on Windows in a process group of its own. */
export function runCommand(command: string, environment: Readonly<Record<string, string>>): RunningCommand {
  const windows = process.platform === 'win32'
  // This variable marks every process that the command starts, also those that leave its process group.
  const mark = `PGLITE_IMPORTS_RUN_${randomName(16)}`
  const child = spawn(command, {
    shell: true,
    detached: !windows,
    stdio: 'inherit',
    env: { ...process.env, ...environment, [mark]: '1' },
  })
  const exited = new Promise<number>(resolve => {
    child.on('error', () => resolve(127))
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
  const signalGroup = (signal: NodeJS.Signals | 0) => child.pid !== undefined && signalled(-child.pid, signal)
  const signalAll = (signal: NodeJS.Signals) => {
    signalGroup(signal)
    for (const pid of processesMarked(mark)) signalled(pid, signal)
  }
  // A group also has zombies, which have ended; those have no environment.
  const isLeft = () => (hasMarks ? processesMarked(mark).length > 0 : signalGroup(0))
  return {
    exited,
    kill(signal) {
      if (windows) child.kill(signal)
      else signalGroup(signal)
    },
    async end() {
      if (windows)
        return void spawnSync('taskkill', ['/pid', String(child.pid), '/t', '/f'], { stdio: 'ignore' })
      signalAll('SIGTERM')
      await ended(isLeft, PATIENCE)
      signalAll('SIGKILL')
      await ended(isLeft, PATIENCE)
    },
  }
}

/** Resolves when nothing is left, or after so many milliseconds. */
async function ended(isLeft: () => boolean, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (isLeft() && performance.now() < deadline) await sleep(PAUSE)
}

/** Sends a signal to a process or, by a negative number, to a group. Returns whether there is one. */
function signalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
