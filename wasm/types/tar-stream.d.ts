/** The library's streams, as far as they are used here: its own types are those of Node's streams, which not every host has. */
declare module 'tar-stream' {
  export interface Header {
    name: string
    type?: string | null
    size?: number
    mode?: number
    mtime?: Date
  }
  interface Stream {
    /** From the moment on that it is to be. */
    readonly destroying: boolean
    readonly destroyed: boolean
    on(event: string, listener: () => void): this
    once(event: string, listener: () => void): this
    off(event: string, listener: () => void): this
    destroy(error?: Error | null): this
  }
  interface Sink extends Stream {
    /** Returns whether to go on at once, or when 'drain' is emitted. */
    write(chunk: Uint8Array): boolean
    end(chunk?: Uint8Array | null): this
  }
  export interface Entry extends Stream, AsyncIterable<Uint8Array> {
    readonly header: Header
    resume(): this
  }
  export interface Pack extends Stream, AsyncIterable<Uint8Array> {
    entry(header: Header): Sink
    entry(header: Header, content: string | Uint8Array): void
    finalize(): void
  }
  export interface Extract extends Sink, AsyncIterable<Entry> {}
  export function pack(): Pack
  export function extract(): Extract
  const tar: { pack(): Pack; extract(): Extract }
  export default tar
}
