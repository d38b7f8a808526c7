/**
 * The part of node:stream's Duplex that drivers use, for browsers: a stream of bytes both ways, with backpressure. Its methods and events
 * have the names and the order that Node's documentation ("Stream") says.
 */

interface Options {
  readonly readableHighWaterMark: number
  readonly writableHighWaterMark: number
}

type Listener = (...args: never[]) => void
type Done = (error?: Error | null) => void

interface Chunk {
  readonly bytes: Uint8Array
  readonly done: Done | undefined
}

/** Buffer, as which drivers expect bytes; undefined if their bundle has none. */
interface BufferType {
  from(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array
}

class Emitter {
  readonly #listeners = new Map<string, { listener: Listener; once: boolean }[]>()

  on(event: string, listener: Listener, once = false): this {
    this.#listeners.set(event, [...this.#of(event), { listener, once }])
    return this
  }

  once(event: string, listener: Listener): this {
    return this.on(event, listener, true)
  }

  addListener(event: string, listener: Listener): this {
    return this.on(event, listener)
  }

  off(event: string, listener: Listener): this {
    const left = this.#of(event).filter(entry => entry.listener !== listener)
    this.#listeners.set(event, left)
    return this
  }

  removeListener(event: string, listener: Listener): this {
    return this.off(event, listener)
  }

  removeAllListeners(event?: string): this {
    if (event === undefined) this.#listeners.clear()
    else this.#listeners.delete(event)
    return this
  }

  listenerCount(event: string): number {
    return this.#of(event).length
  }

  /** @throws the error, if the event is 'error' and has no listener */
  emit(event: string, ...args: unknown[]): boolean {
    const listeners = this.#of(event)
    if (listeners.length === 0 && event === 'error') throw args[0]
    for (const { listener, once } of listeners) {
      if (once) this.off(event, listener)
      listener.apply(this, args as never[])
    }
    return listeners.length > 0
  }

  #of(event: string) {
    return this.#listeners.get(event) ?? []
  }
}

export class Duplex extends Emitter {
  readonly #options: Options
  destroyed = false

  // What the driver writes.
  readonly #unwritten: Chunk[] = []
  #unwrittenBytes = 0
  #writing = false
  #needsDrain = false
  #writableEnded = false
  #finished = false

  // What the driver reads.
  readonly #unread: Uint8Array[] = []
  #unreadBytes = 0
  /** Whether data flow; undefined until a listener is added. */
  #flowing: boolean | undefined
  /** Whether _read() is to be called when there is room. */
  #wantsRead = true
  #inputEnded = false
  #endEmitted = false

  constructor(options: Options) {
    super()
    this.#options = options
  }

  get readable(): boolean {
    return !this.destroyed && !this.#endEmitted
  }

  get writable(): boolean {
    return !this.destroyed && !this.#writableEnded
  }

  get writableEnded(): boolean {
    return this.#writableEnded
  }

  override on(event: string, listener: Listener, once = false): this {
    super.on(event, listener, once)
    if (event === 'data' && this.#flowing === undefined) this.resume()
    return this
  }

  write(chunk: Uint8Array | string, encoding?: string | Done, done?: Done): boolean {
    const written = typeof encoding === 'function' ? encoding : done
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
    if (!this.writable) {
      const error = new Error(this.destroyed ? 'the stream is destroyed' : 'write after end')
      queueMicrotask(() => written?.(error))
      if (!this.destroyed) this.destroy(error)
      return false
    }
    this.#unwritten.push({ bytes, done: written })
    this.#unwrittenBytes += bytes.length
    this.#writeNext()
    this.#needsDrain = this.#unwrittenBytes >= this.#options.writableHighWaterMark
    return !this.#needsDrain
  }

  end(chunk?: Uint8Array | string | (() => void), done?: () => void): this {
    if (typeof chunk === 'function') return this.end(undefined, chunk)
    if (done !== undefined) this.once('finish', done)
    if (this.#writableEnded) return this
    if (chunk !== undefined) this.write(chunk)
    this.#writableEnded = true
    this.#writeNext()
    return this
  }

  /** Bytes are passed on as they come. */
  cork(): void {}
  uncork(): void {}

  pause(): this {
    this.#flowing = false
    return this
  }

  resume(): this {
    if (this.#flowing === true) return this
    this.#flowing = true
    queueMicrotask(() => this.#flow())
    return this
  }

  isPaused(): boolean {
    return this.#flowing === false
  }

  /** Called by subclasses. Returns whether the stream takes more at once. */
  push(chunk: Uint8Array | null): boolean {
    if (chunk === null) {
      this.#inputEnded = true
      queueMicrotask(() => this.#flow())
      return false
    }
    this.#unread.push(chunk)
    this.#unreadBytes += chunk.length
    this.#emitData()
    this.#wantsRead = this.#unreadBytes >= this.#options.readableHighWaterMark
    return !this.#wantsRead
  }

  destroy(error?: Error): this {
    if (this.destroyed) return this
    this.destroyed = true
    this._destroy(error ?? null, failure => {
      queueMicrotask(() => {
        for (const { done } of this.#unwritten.splice(0))
          done?.(failure ?? new Error('the stream is destroyed'))
        try {
          if (failure) this.emit('error', failure)
        } finally {
          this.emit('close')
        }
      })
    })
    return this
  }

  _read(_size: number): void {}

  _write(_bytes: Uint8Array, _encoding: string, done: Done): void {
    done()
  }

  _final(done: Done): void {
    done()
  }

  _destroy(error: Error | null, done: Done): void {
    done(error)
  }

  #writeNext(): void {
    if (this.#writing || this.destroyed) return
    const chunk = this.#unwritten[0]
    if (chunk === undefined) {
      if (this.#writableEnded) this.#finish()
      return
    }
    this.#writing = true
    this._write(chunk.bytes, 'buffer', error => {
      if (this.destroyed) return
      this.#unwritten.shift()
      this.#unwrittenBytes -= chunk.bytes.length
      queueMicrotask(() => {
        this.#writing = false
        chunk.done?.(error)
        if (error) this.destroy(error)
        this.#writeNext()
        if (!this.#needsDrain || this.#unwrittenBytes > 0 || this.destroyed) return
        this.#needsDrain = false
        this.emit('drain')
      })
    })
  }

  #finish(): void {
    if (this.#finished) return
    this.#finished = true
    this._final(error => {
      queueMicrotask(() => {
        if (error) this.destroy(error)
        if (this.destroyed) return
        this.emit('finish')
        this.#closeWhenDone()
      })
    })
  }

  #emitData(): void {
    while (this.#flowing === true && !this.destroyed) {
      const bytes = this.#unread.shift()
      if (bytes === undefined) return
      this.#unreadBytes -= bytes.length
      const { Buffer } = globalThis as { Buffer?: BufferType }
      this.emit('data', Buffer?.from(bytes.buffer, bytes.byteOffset, bytes.length) ?? bytes)
    }
  }

  #flow(): void {
    this.#emitData()
    if (this.#flowing !== true || this.destroyed || this.#endEmitted) return
    if (this.#inputEnded) {
      this.#endEmitted = true
      this.emit('end')
      this.#closeWhenDone()
    } else if (this.#wantsRead) {
      this.#wantsRead = false
      this._read(this.#options.readableHighWaterMark)
    }
  }

  #closeWhenDone(): void {
    if (this.#endEmitted && this.#finished) this.destroy()
  }
}
