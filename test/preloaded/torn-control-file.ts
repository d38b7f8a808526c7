/** Each thread's first read of a data directory's pg_control gets what another process has written only half of. */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const { openSync, readSync } = fs
const opened = new Set<number>()
let torn = isMainThread

fs.openSync = (path, ...rest) => {
  const file = openSync(path, ...rest)
  if (String(path).endsWith('/global/pg_control')) opened.add(file)
  else opened.delete(file)
  return file
}

fs.readSync = ((file: number, buffer: Uint8Array, ...rest: [number, number, number]) => {
  const length = readSync(file, buffer, ...rest)
  if (opened.has(file) && !torn) {
    torn = true
    // In the middle, behind the version that is checked first.
    const at = rest[0] + 100
    buffer[at] = (buffer[at] ?? 0) ^ 0xff
  }
  return length
}) as typeof readSync

syncBuiltinESMExports()
