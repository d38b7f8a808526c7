/**
 * The host's end of one connection: of a client's, or of one that a process has made to another server, for which all that
 * is said here of client and backend holds as well. The bytes lie in two rings of shared memory, one for each direction
 * (c/kernel/connection.c); a backend's end is the import handler of its thread.
 */
import { concatenated } from '../protocol/bytes.js'
import { HOST_SLOT, PAGE_SIZE, SOCKET_CLOSED, SOCKET_OUTPUT, SOCKET_SHUTDOWN, SOCKET_SPACE } from './abi.js'
import type { KernelExports } from './kernel.js'
import type { LinearMemory } from './memory.js'
import type { TlsSession } from './tls-session.js'

const nothing = () => {}

/** Milliseconds that a write which does not block can at most take. */
const SEND_PATIENCE = 100

export class ClientSocket {
  /** There is new output. */
  onOutput: () => void = nothing
  /** All input that was kept has gone in. */
  onSpace: () => void = nothing
  /** The backend will write nothing more; see outputEnded. */
  onShutdown: () => void = nothing
  /** The backend has closed its end; there may still be output to take. */
  onClose: () => void = nothing

  /**
   * The backend wants the connection to go on by TLS, of whose first bytes it has read these. Whoever can do that takes
   * back what it has not read (takeBack()), and a lent socket (takeBackLent()), and resolves once bytes are exchanged in
   * the clear only inside of it.
   */
  onSecure: (early: Uint8Array) => Promise<TlsSession> = () =>
    Promise.reject(new Error('there is no TLS on this connection'))

  /** Input that has not found room yet. */
  #kept: Uint8Array | undefined
  #ended = false
  #shutdown = false
  #released = false

  constructor(
    readonly fd: number,
    readonly kernel: KernelExports,
    readonly memory: LinearMemory,
    readonly released: (socket: ClientSocket) => void,
  ) {}

  /**
   * Hands over raw frontend protocol bytes; they are copied, or kept until there is room. Returns false in the latter
   * case: wait for onSpace before handing over more, or memory grows.
   */
  setInput(bytes: Uint8Array): boolean {
    if (this.#released) return true
    if (this.#kept !== undefined) {
      const kept = new Uint8Array(this.#kept.length + bytes.length)
      kept.set(this.#kept)
      kept.set(bytes, this.#kept.length)
      this.#kept = kept
      return false
    }
    return this.#put(bytes)
  }

  #put(bytes: Uint8Array): boolean {
    let done = 0
    while (done < bytes.length) {
      const space = this.kernel.input_space(this.fd)
      if (space === 0) {
        this.#kept = bytes.subarray(done)
        return false
      }
      const length = Math.min(space, bytes.length - done)
      const at = this.kernel.input_at(this.fd) >>> 0
      this.memory
        .reach(at + length)
        .set(length === bytes.length ? bytes : bytes.subarray(done, done + length), at)
      this.kernel.input_add(this.fd, length)
      done += length
    }
    this.#kept = undefined
    return true
  }

  /** The client has ended its stream: the backend reads what is left, then the end. */
  endInput(): void {
    this.#ended = true
    if (this.#kept === undefined && !this.#released) this.kernel.input_end(this.fd, 0)
  }

  /** The client is gone: nobody reads the output any more. A socket that was lent is given back when this returns. */
  reset(): void {
    if (this.#released) return
    this.#kept = undefined
    this.kernel.input_end(this.fd, 1)
    // For the moment that one write takes, unless its thread has been ended in the middle of it.
    const patience = performance.now() + SEND_PATIENCE
    while (this.kernel.sending(this.fd) !== 0 && performance.now() < patience);
  }

  /**
   * Lend the backend the system's socket, by its descriptor: it writes there what need not wait, and the rest comes
   * through getOutput(). The descriptor must stay open until reset() or onClose.
   */
  lend(descriptor: number): void {
    this.kernel.lend(this.fd, descriptor)
  }

  /** Takes a lent socket back; for when the backend waits for the answer to a question. */
  takeBackLent(): void {
    this.kernel.lend(this.fd, -1)
  }

  /** Takes back the input that the backend has not read; for when it waits for the answer to a question. */
  takeBack(): Uint8Array {
    const parts: Uint8Array[] = []
    const scratch = this.kernel.scratch() >>> 0
    for (;;) {
      const length = this.kernel.sys_recv(HOST_SLOT, this.fd, scratch, PAGE_SIZE)
      if (length <= 0) break
      parts.push(this.memory.copy(scratch, length))
    }
    if (this.#kept !== undefined) parts.push(this.#kept)
    this.#kept = undefined
    return concatenated(parts)
  }

  /** All output that was taken has been sent, so a lent socket may be written to again. */
  flushed(): void {
    if (!this.#released) this.kernel.flushed(this.fd)
  }

  /**
   * What the backend has written, in order. A chunk is taken when it is yielded, so whoever stops iterating leaves
   * the rest where it is, and the backend waits once the ring is full.
   */
  *getOutput(): Generator<Uint8Array> {
    for (;;) {
      const length = this.#released ? 0 : this.kernel.output_size(this.fd)
      if (length === 0) return
      const chunk = this.memory.copy(this.kernel.output_at(this.fd), length)
      this.kernel.output_take(this.fd, length)
      yield chunk
    }
  }

  /** Whether all output has been taken that there will ever be. */
  get outputEnded(): boolean {
    return this.#shutdown && !this.#released && this.kernel.output_size(this.fd) === 0
  }

  /** Let go of the socket, after onClose or reset(). */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#kept = undefined
    this.kernel.release(this.fd)
    this.released(this)
  }

  /** For the cluster: what has happened to the socket, as kernel_socket_events() says. */
  handle(events: number): void {
    if (events & SOCKET_SPACE && this.#kept !== undefined && this.#put(this.#kept)) {
      if (this.#ended) this.kernel.input_end(this.fd, 0)
      this.onSpace()
    }
    if (events & SOCKET_OUTPUT) this.onOutput()
    if (events & SOCKET_SHUTDOWN) {
      this.#shutdown = true
      this.onShutdown()
    }
    if (events & SOCKET_CLOSED) this.onClose()
  }
}
