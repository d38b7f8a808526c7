/**
 * Random bytes of the system under Node. They are read from the kernel's device where there is one, as PostgreSQL itself does: Node's crypto takes
 * 2 to 5 ms to load, in each thread.
 */
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { webRandom } from '../machine/host/random.js'
import { IS_NODE } from './engine.js'

const DEVICE = '/dev/urandom'

/** Of this thread, which has no descriptor open for them in between. Those at its end have not been given to anybody yet. */
const pool = new Uint8Array(4096)
let left = 0

function fromPool(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    if (left === 0) refill()
    const at = pool.length - left
    const given = pool.subarray(at, at + bytes.length - done)
    bytes.set(given, done)
    given.fill(0)
    left -= given.length
    done += given.length
  }
}

function refill(): void {
  try {
    readDevice()
  } catch {
    // There is no file descriptor left.
    webRandom(pool)
  }
  left = pool.length
}

function readDevice(): void {
  const device = openSync(DEVICE, 'r')
  try {
    for (let read = 0; read < pool.length; ) read += readSync(device, pool, read, pool.length - read, null)
  } finally {
    closeSync(device)
  }
}

export const random = IS_NODE && existsSync(DEVICE) ? fromPool : webRandom

/** So many random bytes in hexadecimal digits, for a name that nothing else has. */
export function randomName(length: number): string {
  const bytes = Buffer.alloc(length)
  random(bytes)
  return bytes.toString('hex')
}
