/** What a process asks about itself: the last part of c/host-imports.h. */
import type { LinearMemory } from '../memory.js'
import { errno, errnoOf } from './errno.js'
import type { System } from './system.js'

/** Thrown through the module's frames to end a process; `status` is as waitpid(2) reports it. */
export class ProcessExit {
  constructor(readonly status: number) {}
}

export interface ProcessHost {
  readonly environment: Readonly<Record<string, string>>
  /** Returns if there is such a process in the system outside; see System. */
  find(pid: number): void
  group: System['group']
  /** What the process says about its state, in the words of sd_notify(3), such as "READY=1". */
  notifyState(state: string): void
}

const encoder = new TextEncoder()

export function processImports(memory: LinearMemory, host: ProcessHost) {
  return {
    exit(status: number): never {
      throw new ProcessExit(status)
    },
    environment(buffer: number, size: number): number {
      const text = Object.entries(host.environment).map(([name, value]) => `${name}=${value}\0`)
      const bytes = encoder.encode(text.join(''))
      const start = buffer >>> 0
      if (bytes.length <= size) memory.reach(start + size).set(bytes, start)
      return bytes.length
    },
    /** Others may be asked about, as when a postmaster.pid names one, and not signalled. */
    kill(pid: number, signal: number): number {
      try {
        host.find(pid)
        return signal === 0 ? 0 : -errno('EPERM')
      } catch (error) {
        return -errnoOf(error)
      }
    },
    group: (name: number): number => host.group(memory.string(name)) ?? -errno('ENOENT'),
    /** There is nobody to give way to: for a process that has a thread of its own. */
    yield: (): number => 0,
    notify_state(state: number): void {
      host.notifyState(memory.string(state))
    },
  }
}
