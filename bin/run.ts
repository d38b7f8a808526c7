/** `--run`: a command that is started with the server's address in its environment, and with which the server ends. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

export interface RunningCommand {
  /** Its exit code, as a shell tells it: 128 + n for one that was ended by signal n, 127 if it could not be started. */
  readonly exited: Promise<number>
  /** Passes a signal on, to the command and to all that it has started in its process group. */
  kill(signal: NodeJS.Signals): void
}

/** Starts a command of the shell's, in a process group of its own where there are such. */
export function runCommand(command: string, environment: Readonly<Record<string, string>>): RunningCommand {
  const windows = process.platform === 'win32'
  const child = spawn(command, {
    shell: true,
    detached: !windows,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  })
  const exited = new Promise<number>(resolve => {
    child.on('error', () => resolve(127))
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal!]))
  })
  return {
    exited,
    kill(signal) {
      if (child.pid === undefined) return
      try {
        if (windows) child.kill(signal)
        else process.kill(-child.pid, signal)
      } catch {
        // All of them have ended.
      }
    },
  }
}
