/** The standard streams of this Node process as those of a program, whose thread waits where they make it wait. */
import { readSync, writeSync } from 'node:fs'
import type { StandardStreams } from './files.js'

/** Milliseconds between two looks at a stream that does not block. */
const PAUSE = 10

const never = new Int32Array(new SharedArrayBuffer(4))

export const ownStreams: Required<StandardStreams> = {
  read: buffer => patiently(() => readSync(0, buffer, 0, buffer.length, null)),
  write(stream, bytes) {
    for (let at = 0; at < bytes.length; ) at += patiently(() => writeSync(stream, bytes, at))
  },
}

function patiently(call: () => number): number {
  for (;;) {
    try {
      return call()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return 0 // As Windows says it.
      if (code !== 'EAGAIN') throw error
      Atomics.wait(never, 0, 0, PAUSE)
    }
  }
}
