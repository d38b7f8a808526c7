/**
 * Modules for an unshared memory. They are linked for a shared one, which threads need and not every browser gives to every page. On one
 * thread the only difference is a bit in the import of the memory: atomic instructions are valid on either.
 */

/** "\0asm", and the format's version. */
const HEADER = 8
const IMPORTS = 2
const [FUNCTION, TABLE, MEMORY, GLOBAL] = [0, 1, 2, 3]
const [HAS_MAXIMUM, SHARED] = [1, 2]

/** Changes a module that imports a memory. */
export function importUnshared(module: Uint8Array): void {
  let at = HEADER
  const number = () => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
  }
  const skip = (length: number) => {
    at += length
  }
  for (; module[at] !== IMPORTS; skip(number())) at++
  at++
  number() // length of the section
  for (let left = number(); left > 0; left--) {
    skip(number())
    skip(number())
    const kind = module[at++]
    if (kind === FUNCTION) number()
    else if (kind === GLOBAL) at += 2
    else if (kind === TABLE || kind === MEMORY) {
      if (kind === TABLE) at++
      const flags = module[at]!
      if (kind === MEMORY) module[at] = flags & ~SHARED
      at++
      number()
      if (flags & HAS_MAXIMUM) number()
    } else at += 2 // a tag
  }
}
