/** The only module of Node's that the portable folders import: all hosts or their bundlers have it, and drivers need its streams. */
declare module 'node:stream' {
  export class Duplex {
    constructor(options: { readableHighWaterMark: number; writableHighWaterMark: number })
    readonly readable: boolean
    readonly writable: boolean
    readonly writableEnded: boolean
    push(chunk: Uint8Array | null): boolean
    end(): this
    destroy(error?: Error): this
    emit(event: string, ...args: unknown[]): boolean
    once(event: string, listener: () => void): this
    _read(size: number): void
    _write(bytes: Uint8Array, encoding: string, done: (error?: Error | null) => void): void
    _final(done: (error?: Error | null) => void): void
    _destroy(error: Error | null, done: (error?: Error | null) => void): void
  }
}
