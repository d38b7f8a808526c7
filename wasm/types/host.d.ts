/**
 * The globals that the portable folders (wasm/protocol, wasm/machine, wasm/cluster, …) use, which all hosts have: Node, browsers,
 * Workers, Deno, Bun. These folders are type-checked with this file and the language alone, so they cannot use others. The host
 * implements interfaces for everything else.
 */

declare function queueMicrotask(task: () => void): void
declare function setTimeout(task: () => void, ms?: number): object
declare function clearTimeout(timer: object | undefined): void
declare const performance: { readonly timeOrigin: number; now(): number }

/** url.spec.whatwg.org */
declare class URL {
  constructor(url: string)
  readonly protocol: string
  readonly username: string
  readonly password: string
  readonly pathname: string
  readonly searchParams: { get(name: string): string | null }
}

declare function atob(text: string): string
declare function btoa(bytes: string): string

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
}
declare class TextDecoder {
  /** @param options `stream`: more bytes follow, which may continue a character */
  decode(bytes?: ArrayBufferView | ArrayBuffer, options?: { stream?: boolean }): string
}

declare class AbortController {
  readonly signal: AbortSignal
  abort(): void
}
interface AbortSignal {
  readonly aborted: boolean
  addEventListener(event: 'abort', listener: () => void): void
}

interface CryptoKey {
  readonly type: string
}
/** Web Cryptography, for SCRAM (w3.org/TR/webcrypto). */
declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T
  readonly subtle: {
    importKey(
      format: 'raw',
      key: Uint8Array,
      algorithm: string | object,
      extractable: boolean,
      usages: string[],
    ): Promise<CryptoKey>
    sign(algorithm: string, key: CryptoKey, bytes: Uint8Array): Promise<ArrayBuffer>
    digest(algorithm: string, bytes: Uint8Array): Promise<ArrayBuffer>
    deriveBits(algorithm: object, key: CryptoKey, bits: number): Promise<ArrayBuffer>
  }
}

/** Web Streams, for archives of whole clusters (streams.spec.whatwg.org). */
interface ReadableStreamDefaultController<R> {
  enqueue(chunk: R): void
  close(): void
}
interface ReadableStreamDefaultReader<R> {
  read(): Promise<{ done: false; value: R } | { done: true; value?: R | undefined }>
  cancel(reason: unknown): Promise<void>
}
declare class ReadableStream<R> {
  constructor(source: {
    start?(controller: ReadableStreamDefaultController<R>): void
    pull?(controller: ReadableStreamDefaultController<R>): Promise<void>
    cancel?(reason: unknown): unknown
  })
  getReader(): ReadableStreamDefaultReader<R>
  pipeThrough<T>(transform: { readable: ReadableStream<T>; writable: object }): ReadableStream<T>
}
declare class CompressionStream {
  constructor(format: 'gzip')
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: object
}
declare class DecompressionStream {
  constructor(format: 'gzip')
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: object
}
