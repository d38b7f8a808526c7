/** The only module of Node's that the portable folders import: all hosts or their bundlers have it, and drivers need its streams. */
declare module 'node:stream' {
  export class Duplex {
    constructor(options: { readableHighWaterMark: number; writableHighWaterMark: number })
    readonly readable: boolean
    readonly writable: boolean
    readonly writableEnded: boolean
    push(chunk: Uint8Array | null): boolean
    write(chunk: Uint8Array, done?: () => void): boolean
    end(): this
    pause(): this
    resume(): this
    destroy(error?: Error): this
    emit(event: string, ...args: unknown[]): boolean
    on(event: 'data', listener: (bytes: Uint8Array) => void): this
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'end' | 'close', listener: () => void): this
    once(event: string, listener: () => void): this
    _read(size: number): void
    _write(bytes: Uint8Array, encoding: string, done: (error?: Error | null) => void): void
    _final(done: (error?: Error | null) => void): void
    _destroy(error: Error | null, done: (error?: Error | null) => void): void
  }
}
