/** What a process asks about itself: the last part of c/host-imports.h. */
import { errno, type HostImports } from '../abi.js'
import type { LinearMemory } from '../memory.js'
import { errnoOf } from './errno.js'
import type { System } from './system.js'

/** Thrown through the module's frames to end a process; `status` is as waitpid(2) reports it. */
export class ProcessExit {
  constructor(readonly status: number) {}
}

/** Whom a process asks about itself, and whom it tells. */
export interface ProcessContext {
  readonly environment: Readonly<Record<string, string>>
  readonly system: System
  /** Takes what the process says about its state, in the words of sd_notify(3), such as "READY=1". */
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
    /** Others may be asked about, as when a postmaster.pid names one, and not signalled. */
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
