/** The randomness of c/host-imports.h. */
import { randomBytes } from 'node:crypto'
import type { LinearMemory } from '../memory.js'

export function randomImports(memory: LinearMemory) {
  return {
    random(buffer: number, length: number): number {
      const start = buffer >>> 0
      memory.reach(start + length).set(randomBytes(length), start)
      return 0
    },
  }
}
