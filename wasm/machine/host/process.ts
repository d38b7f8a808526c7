/** A process' functions about itself and other processes of the system in c/host-imports.h. */
import { errno, type HostImports } from '../abi.js'
import type { LinearMemory } from '../memory.js'
import { errnoOf } from './errno.js'
import type { System } from './system.js'

/** Thrown through the module's frames to end a process. `status` is a wait status, as of waitpid(2). */
export class ProcessExit {
  constructor(readonly status: number) {}
}

/** What the host provides for these functions. */
export interface ProcessContext {
  readonly environment: Readonly<Record<string, string>>
  readonly system: System
  /** Called when the process reports its state, in the form of sd_notify(3): for example "READY=1". */
  notifyState(state: string): void
}

const encoder = new TextEncoder()

export function processImports(memory: LinearMemory, host: ProcessContext) {
  return {
    exit(status) {
      throw new ProcessExit(status)
    },
    environment(buffer, size) {
      const text = Object.entries(host.environment).map(([name, value]) => `${name}=${value}\0`)
      const bytes = encoder.encode(text.join(''))
      const start = buffer >>> 0
      if (bytes.length <= size) memory.reach(start + size).set(bytes, start)
      return bytes.length
    },
    /** Says whether a process of the system exists, for example the one in postmaster.pid. It cannot signal one. */
    kill(pid, signal) {
      try {
        host.system.find(pid)
        return signal === 0 ? 0 : -errno.EPERM
      } catch (error) {
        return -errnoOf(error)
      }
    },
    group: name => host.system.group(memory.string(name)) ?? -errno.ENOENT,
    notify_state(state) {
      host.notifyState(memory.string(state))
    },
  } satisfies Partial<HostImports>
}
