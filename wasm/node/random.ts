/**
 * Random bytes of the system under Node. They are read from the kernel's device where there is one, as PostgreSQL itself does: Node's crypto takes
 * 2 to 5 ms to load, in each thread.
 */
import { existsSync, openSync, readSync } from 'node:fs'
import { webRandom } from '../machine/host/random.js'
import { IS_NODE } from './engine.js'

const DEVICE = '/dev/urandom'

/** Of this thread. Node closes it when the thread ends. */
let device: number | undefined

function readDevice(bytes: Uint8Array): void {
  device ??= openSync(DEVICE, 'r')
  for (let done = 0; done < bytes.length; ) done += readSync(device, bytes, done, bytes.length - done, null)
}

export const random = IS_NODE && existsSync(DEVICE) ? readDevice : webRandom

/** So many random bytes in hexadecimal digits, for a name that nothing else has. */
export function randomName(length: number): string {
  const bytes = Buffer.alloc(length)
  random(bytes)
  return bytes.toString('hex')
}
