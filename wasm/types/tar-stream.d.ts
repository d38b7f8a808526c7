/** The part of tar-stream that is used here, because the library's own types need Node's types. */
declare module 'tar-stream' {
  export interface Header {
    name: string
    type?: string | null
    size?: number
    mode?: number
    mtime?: Date
  }
  interface Stream {
    /** Whether destroy() has been called, or the stream has failed. */
    readonly destroying: boolean
    readonly destroyed: boolean
    on(event: string, listener: () => void): this
    once(event: string, listener: () => void): this
    off(event: string, listener: () => void): this
    destroy(error?: Error | null): this
  }
  interface Sink extends Stream {
    /** Returns false if the caller should wait for 'drain' before it writes more. */
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
