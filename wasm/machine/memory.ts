import { NPAGE } from './abi.js'

const decoder = new TextDecoder()

/** What it begins with; the kernel lets it grow. */
const INITIAL_PAGES = 256

/** @param maximumPages how large it may become; by default as large as 32 bits can address */
export function newMemory(maximumPages: number = NPAGE): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: maximumPages, shared: true })
}

/**
 * The linear memory as typed arrays. It can grow at any moment, by any thread; views of it stay valid for what they
 * cover but have to be made anew to reach what has been added.
 */
export class LinearMemory {
  /** All of it, at least as far as anyone has asked for so far. */
  bytes: Uint8Array
  #view: DataView

  constructor(readonly memory: WebAssembly.Memory) {
    this.bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
  }

  /** Call before touching anything below `end`; returns all bytes. */
  reach(end: number): Uint8Array {
    if (end > this.bytes.length) this.#refresh()
    if (end > this.bytes.length) {
      // V8 can miss that another thread has let it grow, if that was while this one came to know the memory.
      this.memory.grow(0)
      this.#refresh()
    }
    return this.bytes
  }

  #refresh(): void {
    this.bytes = new Uint8Array(this.memory.buffer)
    this.#view = new DataView(this.memory.buffer)
  }

  /** For numbers at addresses below `end`. */
  view(end: number): DataView {
    this.reach(end)
    return this.#view
  }

  /** A copy, for whom shared memory is no good. */
  copy(address: number, length: number): Uint8Array {
    const start = address >>> 0
    return this.reach(start + length).slice(start, start + length)
  }

  /** The NUL-terminated UTF-8 string there. */
  string(address: number): string {
    const start = address >>> 0
    let bytes = this.reach(start + 1)
    let end = bytes.indexOf(0, start)
    if (end < 0) {
      // It goes on where the memory has grown.
      bytes = this.reach(bytes.length + 1)
      end = bytes.indexOf(0, start)
    }
    return decoder.decode(bytes.slice(start, end))
  }
}
