/**
 * The standard streams of this Node process, and its terminal, as those of a program. The program's thread waits where
 * they make it wait, but looks for signals meanwhile, so that Ctrl-C reaches a program that waits for input.
 */
import { spawnSync } from 'node:child_process'
import { constants, openSync, readSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { FileLayer } from '../machine/host/file-layer.js'
import type { StandardStreams } from '../machine/host/files.js'

/** The terminal by its name, which programs open to ask for passwords. */
const TERMINAL = '/dev/tty'

/** Milliseconds between two looks at a stream that does not block. */
const PAUSE = 10

const never = new Int32Array(new SharedArrayBuffer(4))

export class OwnStreams implements Required<StandardStreams> {
  #input: number | undefined
  #silenced: number | undefined

  /** @param signalled whether the program has signals to handle */
  constructor(readonly signalled: () => boolean) {}

  read(buffer: Uint8Array): number {
    this.#input ??= openInput()
    const input = this.#input
    return this.#patiently(() => readSync(input, buffer, 0, buffer.length, null))
  }

  write(stream: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      try {
        at += writeSync(stream, bytes, at)
      } catch (error) {
        if (!isAgain(error)) throw error
        pause()
      }
    }
  }

  isTerminal(handle: number): boolean {
    return isatty(handle)
  }

  /** By the program that every Unix has for it, for Node can only switch off more than that. */
  echo(handle: number, on: boolean): void {
    const { status } = spawnSync('/bin/stty', [on ? 'echo' : '-echo'], {
      stdio: [handle, 'ignore', 'ignore'],
    })
    if (status !== 0) throw Object.assign(new Error('stty does not work'), { code: 'EIO' })
    this.#silenced = on ? undefined : handle
  }

  /** The same files, and the terminal among them. */
  files(layer: FileLayer): FileLayer {
    return {
      ...layer,
      open: (path, flags, mode) =>
        layer.open(path, path === TERMINAL ? { ...flags, nonBlocking: true } : flags, mode),
      read: (...args) => this.#patiently(() => layer.read(...args)),
      write(handle, buffer, offset, length, position) {
        try {
          return layer.write(handle, buffer, offset, length, position)
        } catch (error) {
          // A terminal or a pipe, which was opened like every file.
          if ((error as NodeJS.ErrnoException).code !== 'ESPIPE') throw error
          return layer.write(handle, buffer, offset, length, -1)
        }
      },
    }
  }

  /** Of the program: it may have been ended while it asked for a password. */
  end(): void {
    if (this.#silenced !== undefined) this.echo(this.#silenced, true)
  }

  #patiently(read: () => number): number {
    for (;;) {
      try {
        return read()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EOF') return 0 // As Windows says it.
        if (!isAgain(error)) throw error
        if (this.signalled()) throw Object.assign(new Error('there are signals'), { code: 'EINTR' })
        pause()
      }
    }
  }
}

/** A terminal is opened anew: its own description does not block, and the one of whoever gave it to us stays as it is. */
function openInput(): number {
  try {
    if (isatty(0)) return openSync(TERMINAL, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    // It is not this session's.
  }
  return 0
}

function isAgain(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN'
}

function pause(): void {
  Atomics.wait(never, 0, 0, PAUSE)
}
