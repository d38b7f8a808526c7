/** The function host_random of c/host-imports.h. */
import type { HostImports } from '../abi.js'
import type { LinearMemory } from '../memory.js'

/** Most bytes that crypto.getRandomValues gives at a time. */
const MOST = 65536

export function randomImports(memory: LinearMemory) {
  return {
    random(buffer, length) {
      const start = buffer >>> 0
      for (let done = 0; done < length; done += MOST) {
        const bytes = crypto.getRandomValues(new Uint8Array(Math.min(MOST, length - done)))
        memory.reach(start + length).set(bytes, start + done)
      }
      return 0
    },
  } satisfies Partial<HostImports>
}
