/** The function host_random of c/host-imports.h. */
import type { HostImports } from '../abi.js'
import type { LinearMemory } from '../memory.js'
import type { System } from './system.js'

/** Most bytes that crypto.getRandomValues gives at a time. */
const MOST = 65536

export function randomImports(memory: LinearMemory, system: System) {
  return {
    random(buffer, length) {
      const start = buffer >>> 0
      system.random(memory.reach(start + length).subarray(start, start + length))
      return 0
    },
  } satisfies Partial<HostImports>
}

/** `System.random()` where there is the web's crypto, which does not write to memory that threads share. */
export function webRandom(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; done += MOST)
    bytes.set(crypto.getRandomValues(new Uint8Array(Math.min(MOST, bytes.length - done))), done)
}
