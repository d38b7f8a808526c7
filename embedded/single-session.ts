/**
 * One session at a time, for engines without JSPI. There are no processes, only one backend, which processes each of the client's
 * messages to completion (_interactive_one). The cluster outlives the sessions. Each session gets a new instance of PostgreSQL, which
 * recovers if the one before has crashed.
 */
import type { Duplex } from 'node:stream'
import { type BackendEnd, InProcessSocket } from '../wasm/cluster/in-process.js'
import { type PostgresModule, startPostgres } from '../wasm/cluster/postgres-module.js'
import { createPGliteImportHandler } from '../wasm/machine/import-handler.js'
import { type EmbeddedHost, moduleHostOf } from './host.js'
import { type EmbeddedPostgres, stopped } from './server.js'

export class SingleSession implements EmbeddedPostgres {
  readonly exited: Promise<number>
  #exit: (code: number) => void = () => {}
  #ended = false
  #backend: SingleBackend | undefined
  #stream: InProcessSocket | undefined
  memory = new WebAssembly.Memory({ initial: 0 })

  constructor(readonly host: EmbeddedHost) {
    this.exited = new Promise(resolve => {
      this.#exit = resolve
    })
  }

  connect(): Duplex {
    const stream: InProcessSocket = new InProcessSocket(() => {
      if (this.#ended) throw stopped()
      if (this.#backend !== undefined) {
        const message =
          'this JavaScript engine cannot suspend WebAssembly (JSPI), so there is one session at a time: end it first'
        throw Object.assign(new Error(message), { code: '53300' })
      }
      this.#stream = stream
      this.#backend = new SingleBackend(this.host, () => {
        this.#backend = undefined
      })
      this.memory = this.#backend.memory
      return this.#backend
    })
    return stream
  }

  async stop(): Promise<void> {
    this.#ended = true
    this.#backend?.reset()
    this.#stream?.finish()
    this.#exit(0)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

const nothing = () => {}

/** The backend of one session, at the other end of the client's stream. */
class SingleBackend implements BackendEnd {
  onOutput: () => void = nothing
  onSpace: () => void = nothing
  onClose: () => void = nothing
  readonly #handler = createPGliteImportHandler()
  readonly #module: PostgresModule
  /** Output that the client may get already. */
  #output: Uint8Array[] = []
  /** Settles when the client may get all output so far. */
  #told: Promise<void> | undefined
  #begun = false
  #ended = false

  constructor(
    readonly host: EmbeddedHost,
    readonly released: () => void,
  ) {
    this.#module = startPostgres(moduleHostOf(host), this.#handler.imports)
    this.#handler.setModule(this.#module)
  }

  get memory(): WebAssembly.Memory {
    return this.#module.memory
  }

  setInput(bytes: Uint8Array): boolean {
    this.#handler.setInput(bytes)
    this.#run(bytes.length, bytes[0])
    return true
  }

  endInput(): void {
    this.#handler.endInput()
    // The backend is the whole server, so it writes a checkpoint when its session ends.
    if (this.#begun) this.#run(0)
  }

  reset(): void {
    this.onOutput = nothing
    this.onClose = nothing
    this.endInput()
  }

  *getOutput(): Generator<Uint8Array> {
    const chunks = this.#output
    this.#output = []
    yield* chunks
  }

  release(): void {
    this.released()
  }

  #run(length: number, firstByte?: number): void {
    if (this.#ended) return
    this.#begun = true
    try {
      this.#module._interactive_one(length, firstByte)
    } catch {
      this.#ended = true
    }
    const chunks = this.#handler.getOutput()
    const durable = this.host.durable?.()
    if (this.#told === undefined && durable === undefined) {
      this.#tell(chunks)
      return
    }
    const told = Promise.all([this.#told, durable]).then(() => {
      if (this.#told === told) this.#told = undefined
      this.#tell(chunks)
    })
    // The client gets no answer about what could not become durable.
    told.catch(() => this.onClose())
    this.#told = told
  }

  #tell(chunks: readonly Uint8Array[]): void {
    this.#output.push(...chunks)
    this.onOutput()
    if (this.#ended) this.onClose()
  }
}
