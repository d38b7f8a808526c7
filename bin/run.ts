/** `--run`: a shell command that gets the server's address in its environment. The server stops when the command ends. */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

export interface RunningCommand {
  /** Resolves to its exit code as a shell reports it: 128 + n if signal n ended it, 127 if it could not be started. */
  readonly exited: Promise<number>
  /** Sends a signal to the command's process group: to the command and the programs that it has started. */
  kill(signal: NodeJS.Signals): void
}

/** Starts a shell command, except on Windows in a process group of its own. */
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
        // All of its processes have ended.
      }
    },
  }
}
