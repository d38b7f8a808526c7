/** What the Worker's folder uses of Node's module. */
declare module 'node:zlib' {
  export function brotliDecompressSync(bytes: Uint8Array): Uint8Array
}
