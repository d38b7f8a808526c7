/**
 * Gives a program the standard streams and the terminal of this Node process. While the program's thread waits for a stream it
 * looks for signals, so that Ctrl-C reaches a program that waits for input.
 */
import { spawnSync } from 'node:child_process'
import { constants, openSync, readSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { FileLayer } from '../machine/host/file-layer.js'
import type { StandardStreams } from '../machine/host/files.js'

/** The terminal's name. Programs open it to ask for passwords. */
const TERMINAL = '/dev/tty'

/** Milliseconds between two attempts to read or write a stream that does not block. */
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

  /** Sets the terminal's echo by stty, because Node's raw mode would change more than that. */
  echo(handle: number, on: boolean): void {
    const { status } = spawnSync('/bin/stty', [on ? 'echo' : '-echo'], {
      stdio: [handle, 'ignore', 'ignore'],
    })
    if (status !== 0) throw Object.assign(new Error('stty does not work'), { code: 'EIO' })
    this.#silenced = on ? undefined : handle
  }

  /** The same files, but the terminal does not block the thread. */
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
          // Opened by its name, like a file: a terminal or a pipe, which has no positions.
          if ((error as NodeJS.ErrnoException).code !== 'ESPIPE') throw error
          return layer.write(handle, buffer, offset, length, -1)
        }
      },
    }
  }

  /** To be called when the program has ended: turns the echo on again if it was asking for a password. */
  end(): void {
    if (this.#silenced !== undefined) this.echo(this.#silenced, true)
  }

  #patiently(read: () => number): number {
    for (;;) {
      try {
        return read()
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EOF') return 0 // The end of a stream on Windows.
        if (!isAgain(error)) throw error
        if (this.signalled()) throw Object.assign(new Error('there are signals'), { code: 'EINTR' })
        pause()
      }
    }
  }
}

/** Opens a terminal anew without blocking, because standard input's own description is shared with other programs. */
function openInput(): number {
  try {
    if (isatty(0)) return openSync(TERMINAL, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    // This process has no controlling terminal.
  }
  return 0
}

function isAgain(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EAGAIN'
}

function pause(): void {
  Atomics.wait(never, 0, 0, PAUSE)
}
