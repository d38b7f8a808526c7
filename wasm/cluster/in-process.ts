/**
 * A connection in the same program, without a network: a Duplex stream of the frontend/backend protocol that PostgreSQL drivers
 * accept in place of their socket. So it also has the few methods and events of a net.Socket that drivers use.
 *
 * connect() or the first byte written starts the backend, so a stream that is never used costs nothing.
 */
import { Duplex } from '#duplex'
import type { ClientSocket } from '../machine/client-socket.js'
import { SessionRefused } from './session-refused.js'

/** The backend's end of the connection, as the stream uses it. */
export type BackendEnd = Pick<
  ClientSocket,
  'setInput' | 'endInput' | 'reset' | 'getOutput' | 'release' | 'onOutput' | 'onSpace' | 'onClose'
>

export class InProcessSocket extends Duplex {
  readonly #connect: () => BackendEnd | Promise<BackendEnd>
  /** Undefined before the backend is there, and after it has been released. */
  #backend: BackendEnd | undefined
  #state: 'new' | 'opening' | 'open' | 'closed' = 'new'
  /** Whether the stream's reader wants more output. */
  #reading = false
  /** Called when the backend can take more input. */
  #written: ((error?: Error | null) => void) | undefined

  /**
   * @param connect makes the connection, at once or some time later. The client is told of a SessionRefused as PostgreSQL would; any
   *   other Error destroys the stream.
   */
  constructor(connect: () => BackendEnd | Promise<BackendEnd>) {
    super({ readableHighWaterMark: 64 * 1024, writableHighWaterMark: 64 * 1024 })
    this.#connect = connect
  }

  /** Connects, whatever host and port are given, and emits 'connect' or 'error'. */
  connect(..._address: unknown[]): this {
    queueMicrotask(() => this.#whenOpen(() => this.emit('connect')))
    return this
  }

  /** As net.Socket's. */
  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  /** Does nothing: bytes are never held back here. */
  setNoDelay(): this {
    return this
  }

  /** Does nothing: the two ends cannot lose each other. */
  setKeepAlive(): this {
    return this
  }

  /** Does nothing: the stream never times out. */
  setTimeout(): this {
    return this
  }

  /** Does nothing: the server, not its connections, keeps the process running. */
  ref(): this {
    return this
  }

  /** Does nothing: the server, not its connections, keeps the process running. */
  unref(): this {
    return this
  }

  /**
   * Passes on the last bytes that the backend has written, and ends the stream. To be called when the backend has ended.
   *
   * @param reason why the backend has ended, if it could not tell its client
   */
  finish(reason?: SessionRefused): void {
    if (this.#backend === undefined) return
    for (const chunk of this.#backend.getOutput()) this.push(chunk)
    this.#end(reason)
  }

  #end(reason: SessionRefused | undefined): void {
    if (reason !== undefined) this.push(reason.response)
    this.push(null)
    this.#release()
    this.#continueWriting()
    if (!this.writableEnded) this.end()
  }

  override _read(): void {
    this.#reading = true
    this.#pushOutput()
  }

  override _write(bytes: Uint8Array, _encoding: string, done: (error?: Error | null) => void): void {
    this.#written = done
    this.#whenOpen(backend => {
      if (backend.setInput(bytes)) this.#continueWriting()
    })
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenOpen(backend => backend.endInput())
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#backend?.reset()
    this.#release()
    done(error)
  }

  /** Calls `use` with the backend's end: at once, or when it is there. Does nothing when it has been released. */
  #whenOpen(use: (backend: BackendEnd) => void): void {
    if (this.#state === 'new') this.#open()
    if (this.#state === 'opening') this.#waiting.push(use)
    else if (this.#backend !== undefined) use(this.#backend)
    else this.#continueWriting()
  }

  /** Functions to call when the backend is there. */
  readonly #waiting: ((backend: BackendEnd) => void)[] = []

  #open(): void {
    this.#state = 'opening'
    try {
      const backend = this.#connect()
      if (backend instanceof Promise) backend.then(end => this.#opened(end)).catch(error => this.#fail(error))
      else this.#opened(backend)
    } catch (error) {
      this.#fail(error)
    }
  }

  #opened(backend: BackendEnd): void {
    if (this.#state === 'closed') {
      backend.reset()
      backend.release()
      return
    }
    this.#state = 'open'
    this.#backend = backend
    backend.onOutput = () => this.#pushOutput()
    backend.onSpace = () => this.#continueWriting()
    backend.onClose = () => this.finish()
    for (const use of this.#waiting.splice(0)) use(backend)
  }

  #fail(error: unknown): void {
    if (error instanceof SessionRefused) this.#end(error)
    else this.destroy(error instanceof Error ? error : new Error(String(error)))
  }

  #pushOutput(): void {
    if (!this.#reading || this.#backend === undefined) return
    for (const chunk of this.#backend.getOutput()) {
      this.#reading = this.push(chunk)
      if (!this.#reading) break
    }
  }

  #continueWriting(): void {
    const done = this.#written
    this.#written = undefined
    done?.()
  }

  #release(): void {
    this.#state = 'closed'
    this.#waiting.length = 0
    this.#backend?.release()
    this.#backend = undefined
  }
}
