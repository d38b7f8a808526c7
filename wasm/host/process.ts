/** What a process asks about itself: the last part of c/host-imports.h. */
import type { LinearMemory } from '../memory.js'
import { errnoOf } from './errno.js'

/** Thrown through the module's frames to end a process; `status` is as waitpid(2) reports it. */
export class ProcessExit {
  constructor(readonly status: number) {}
}

export interface ProcessHost {
  readonly environment: Readonly<Record<string, string>>
  /** What the process says about its state, in the words of sd_notify(3), such as "READY=1". */
  notifyState(state: string): void
}

/** Numbers that Linux and the C library give to signals; systems differ. */
const SIGNAL_NAMES: Record<number, NodeJS.Signals> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  9: 'SIGKILL',
  10: 'SIGUSR1',
  12: 'SIGUSR2',
  15: 'SIGTERM',
}

export function processImports(memory: LinearMemory, host: ProcessHost) {
  return {
    exit(status: number): never {
      throw new ProcessExit(status)
    },
    environment(buffer: number, size: number): number {
      const text = Object.entries(host.environment).map(([name, value]) => `${name}=${value}\0`)
      const bytes = Buffer.from(text.join(''))
      const start = buffer >>> 0
      if (bytes.length <= size) memory.reach(start + size).set(bytes, start)
      return bytes.length
    },
    kill(pid: number, signal: number): number {
      try {
        process.kill(pid, signal === 0 ? 0 : SIGNAL_NAMES[signal])
        return 0
      } catch (error) {
        return -errnoOf(error)
      }
    },
    notify_state(state: number): void {
      host.notifyState(memory.string(state))
    },
  }
}
