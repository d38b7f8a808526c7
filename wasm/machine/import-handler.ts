/**
 * How a client's bytes enter and leave PostgreSQL: by two imports of the WebAssembly module, bound when it is instantiated.
 * `recv()` on a backend's client socket calls `env.pglite_js_read`, and `send()` calls `env.pglite_js_write`. No code is generated
 * at run time. The C side is `c/pglite-comm-imports.h`.
 */
import { Framing } from '../protocol/framing.js'
import { type ClientImports, errno } from './abi.js'

/**
 * The imports as the module calls them, with an address in its memory and a length in bytes. They return the number of bytes
 * that they have written to, or read from, that address (> 0), or a negated errno. pglite_js_read returns 0 at the end of the stream.
 */
export type PGliteImports = Readonly<ClientImports>

/** The module in whose memory the imports' addresses are. */
export interface PGliteModule {
  /** That memory. */
  readonly memory: WebAssembly.Memory
}

/** Moves a client's bytes between JavaScript and one backend. */
export interface PGliteImportHandler {
  /** To be added to the `env` imports when the module is instantiated. */
  readonly imports: PGliteImports
  /** Says in whose memory the imports' addresses are. Call it before the module first reads or writes. */
  setModule(mod: PGliteModule): void
  /**
   * Adds raw bytes of the frontend protocol to the backend's input; they are copied. They may end within a message: the backend
   * gets each message when it is complete.
   */
  setInput(bytes: Uint8Array): void
  /** Says that no more input will come: the backend ends when it has read what it was given. */
  endInput(): void
  /** Returns what the backend has written since the last call, in order. */
  getOutput(): Uint8Array[]
  /** If set, it is called with output at once, while the statement still runs, and getOutput() stays empty. */
  onOutput: ((chunk: Uint8Array) => void) | undefined
}

/**
 * Makes the two imports and the queues behind them, for a backend in this thread.
 *
 * ```ts
 * const handler = createPGliteImportHandler()
 * const mod = await createPostgresModule({ instantiateWasm: … handler.imports … })
 * handler.setModule(mod)
 * handler.setInput(bytes)
 * mod._interactive_one(bytes.length, bytes[0])
 * for (const chunk of handler.getOutput()) socket.write(chunk)
 * ```
 */
export function createPGliteImportHandler(): PGliteImportHandler {
  let memory: WebAssembly.Memory | undefined
  const framing = new Framing()
  const input: Uint8Array[] = []
  let output: Uint8Array[] = []
  let ended = false

  const view = (address: number, length: number) =>
    memory === undefined ? undefined : new Uint8Array(memory.buffer, address >>> 0, length)

  const handler: PGliteImportHandler = {
    imports: {
      pglite_js_read(buffer, maxLength) {
        const chunk = input[0]
        if (chunk === undefined) return ended ? 0 : -errno.EAGAIN
        const length = Math.min(maxLength, chunk.length)
        const target = view(buffer, length)
        if (target === undefined) return -errno.ENXIO
        target.set(chunk.subarray(0, length))
        if (length === chunk.length) input.shift()
        else input[0] = chunk.subarray(length)
        return length
      },
      pglite_js_write(buffer, length) {
        const source = view(buffer, length)
        if (source === undefined) return -errno.ENXIO
        const chunk = source.slice()
        if (handler.onOutput !== undefined) handler.onOutput(chunk)
        else output.push(chunk)
        return length
      },
    },
    setModule(mod) {
      memory = mod.memory
    },
    setInput(bytes) {
      const messages = framing.add(bytes.slice())
      if (messages !== undefined) input.push(messages)
    },
    endInput() {
      ended = true
      const rest = framing.rest()
      if (rest.length > 0) input.push(rest)
    },
    getOutput() {
      const chunks = output
      output = []
      return chunks
    },
    onOutput: undefined,
  }
  return handler
}
