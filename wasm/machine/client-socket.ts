/**
 * The host's end of one connection: a client's, or one that a process has made to another server. For the latter read "other
 * server" for client, and "process" for backend. The bytes are in two rings of the shared memory, one for each direction
 * (c/kernel/connection.c).
 */
import { concatenated } from '../protocol/bytes.js'
import { firstWords } from '../protocol/first-message.js'
import { HOST_SLOT, PAGE_SIZE, SOCKET_CLOSED, SOCKET_OUTPUT, SOCKET_SHUTDOWN, SOCKET_SPACE } from './abi.js'
import type { KernelExports } from './kernel.js'
import type { LinearMemory } from './memory.js'
import {
  type OutgoingTlsSession,
  type OutgoingTlsSettings,
  TlsFailure,
  type TlsSession,
} from './tls-session.js'

const nothing = () => {}

/** A socket of the system's on its way to another thread. */
export interface MovingSocket {
  /** The host's own object for it. */
  readonly handle: unknown
  /** Counts statements, in its first number. */
  readonly statements: BigInt64Array | undefined
  /** To be called when the other thread has it. */
  passed(): void
  /** To be called when the other thread has ended the connection. */
  ended(): void
}

/** Longest duration in milliseconds of a write that does not block. */
const SEND_PATIENCE = 100

/** The host's end of one connection. */
export class ClientSocket {
  /** Called with all input before it is passed. */
  onInput: (bytes: Uint8Array) => void = nothing
  /** Called when there is new output. */
  onOutput: () => void = nothing
  /** Called when there is room again after setInput() has returned false. */
  onSpace: () => void = nothing
  /** Called when the backend will write nothing more; see outputEnded. */
  onShutdown: () => void = nothing
  /** Called when the backend has closed its end. There may still be output to take. */
  onClose: () => void = nothing

  /**
   * Called when the backend wants TLS on this connection. The function that does it takes back the input that the backend has not
   * read (takeBack()), and a lent socket (takeBackLent()), and resolves after the handshake: from then on input and output are the
   * bytes inside TLS.
   *
   * @param early bytes of the handshake that the backend has read already
   */
  onSecure: (early: Uint8Array) => Promise<TlsSession> = () =>
    Promise.reject(new Error('this connection cannot have TLS'))

  /** The same on a connection that a process has made, when the process wants it. Rejects with a TlsFailure. */
  onConnectTls: (settings: OutgoingTlsSettings) => Promise<OutgoingTlsSession> = () =>
    Promise.reject(new TlsFailure('host', 'this host cannot do TLS'))

  /** Why the connection has ended, if TLS is the reason. */
  failure: string | undefined

  /** The name of the user at the other end, if the host knows that. */
  user: string | undefined

  /** Gives up the system's socket, so that the thread of the process may have it; undefined if that is not possible. */
  onMove: () => MovingSocket | undefined = () => undefined

  /** Input for which there is no room in the ring yet. */
  #kept: Uint8Array | undefined
  #ended = false
  #shutdown = false
  #released = false
  /** Whether all further output is a backend's, and passed as it is. */
  #heard = false

  constructor(
    /** The connection's number in the kernel. */
    readonly fd: number,
    /** The kernel. */
    readonly kernel: KernelExports,
    /** The memory with the rings. */
    readonly memory: LinearMemory,
    /** Called once, by release(). */
    readonly released: (socket: ClientSocket) => void,
  ) {}

  /** To be called when there is a backend for the client. Without one, the postmaster may say why. */
  backendStarts(): void {
    this.#heard = true
  }

  /**
   * Leaves the host's part to the thread of the process (kernel_move), except for release().
   *
   * @returns whether that is possible: not while there is input that the ring has no room for, or after its end
   */
  leave(): boolean {
    if (this.#kept !== undefined || this.#ended || this.#released) return false
    this.kernel.move(this.fd)
    return true
  }

  /**
   * Passes raw bytes of the frontend protocol to the backend. They are copied into the ring, or kept until there is room.
   *
   * @returns false if bytes are kept: wait for onSpace before passing more, or memory grows
   */
  setInput(bytes: Uint8Array): boolean {
    if (this.#released) return true
    this.onInput(bytes)
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

  /** To be called when the client has ended its stream: the backend reads what is left, then the end. */
  endInput(): void {
    this.#ended = true
    if (this.#kept === undefined && !this.#released) this.kernel.input_end(this.fd, 0)
  }

  /** To be called when the client is gone. Output is dropped. When this returns, no thread uses a lent socket any more. */
  reset(): void {
    if (this.#released) return
    this.#kept = undefined
    this.kernel.input_end(this.fd, 1)
    // A write takes a moment, unless its thread has been ended in the middle of it.
    const patience = performance.now() + SEND_PATIENCE
    while (this.kernel.sending(this.fd) !== 0 && performance.now() < patience);
  }

  /**
   * Lends the backend the system's socket, by its file descriptor. The backend writes there what the socket takes at once; the
   * rest comes through getOutput(). The descriptor must stay open until reset() or onClose.
   */
  lend(descriptor: number): void {
    this.kernel.lend(this.fd, descriptor)
  }

  /** Takes a lent socket back, while the backend waits for an answer of the host's. */
  takeBackLent(): void {
    this.kernel.lend(this.fd, -1)
  }

  /** Takes back the input that the backend has not read, while it waits for an answer of the host's. */
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

  /** To be called when all output that was taken has been sent: the backend may write to a lent socket again. */
  flushed(): void {
    if (!this.#released) this.kernel.flushed(this.fd)
  }

  /**
   * Yields the backend's output, in order. A chunk is taken from the ring when it is yielded, so a caller that stops iterating
   * leaves the rest there, and the backend waits when the ring is full.
   */
  *getOutput(): Generator<Uint8Array> {
    for (;;) {
      const length = this.#released ? 0 : this.kernel.output_size(this.fd)
      if (length === 0) return
      const chunk = this.memory.copy(this.kernel.output_at(this.fd), length)
      this.kernel.output_take(this.fd, length)
      yield this.#heard ? chunk : firstWords(chunk)
      this.#heard = true
    }
  }

  /** Whether there is output to take. */
  get hasOutput(): boolean {
    return !this.#released && this.kernel.output_size(this.fd) > 0
  }

  /** Whether the backend has ended its output and all of it has been taken. */
  get outputEnded(): boolean {
    return this.#shutdown && !this.#released && !this.hasOutput
  }

  /** Lets go of the socket, after onClose or reset(). */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#kept = undefined
    this.released(this)
  }

  /** Handles the events that kernel_socket_events() has reported. */
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
