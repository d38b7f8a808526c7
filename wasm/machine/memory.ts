import { NPAGE } from './abi.js'

const decoder = new TextDecoder()

/** What the modules have at fixed addresses, in pages. */
const FIXED_PAGES = 48
/** So many processes have a page of the kernel's tables. */
const PROCESSES_OF_PAGE = 4

/**
 * Its initial size is about what the kernel needs; from then on the kernel makes it grow.
 *
 * @param processes slots in the kernel's process table
 * @param maximumPages the limit, in pages of 64 KiB. Default: the 4 GiB that 32 bits can address
 * @param shared whether threads can share it, as its modules say
 */
export function newMemory(
  processes: number,
  maximumPages: number = NPAGE,
  shared = true,
): WebAssembly.Memory {
  const initial = FIXED_PAGES + Math.ceil(processes / PROCESSES_OF_PAGE)
  return new WebAssembly.Memory({ initial, maximum: maximumPages, shared })
}

/**
 * The linear memory as typed arrays. Any thread can make it grow at any moment. New views are needed to reach the new part, and where the
 * memory is not shared existing ones become empty.
 */
export class LinearMemory {
  /** All bytes; at least those that reach() has been called for. */
  bytes: Uint8Array
  #view: DataView

  /** To be called before a module is instantiated with the memory. */
  constructor(readonly memory: WebAssembly.Memory) {
    // V8 can miss that another thread has made the memory grow while this one received it. Modules would then trap where they copy
    // to or from the new part. When it grows, also by nothing, V8 looks at its size again.
    memory.grow(0)
    this.bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
  }

  /** Returns all bytes, at least those below `end`. Call it before using an address that may be new. */
  reach(end: number): Uint8Array {
    if (end > this.bytes.length) this.#refresh()
    if (end > this.bytes.length) {
      // V8 learns that another thread has made it grow when it next looks at its interrupts, which may be later.
      this.memory.grow(0)
      this.#refresh()
    }
    return this.bytes
  }

  #refresh(): void {
    this.bytes = new Uint8Array(this.memory.buffer)
    this.#view = new DataView(this.memory.buffer)
  }

  /** A view for numbers at addresses below `end`. */
  view(end: number): DataView {
    this.reach(end)
    return this.#view
  }

  /** A copy of these bytes, for functions that do not accept shared memory. */
  copy(address: number, length: number): Uint8Array {
    const start = address >>> 0
    return this.reach(start + length).slice(start, start + length)
  }

  /** The NUL-terminated UTF-8 string at this address. */
  string(address: number): string {
    const start = address >>> 0
    let bytes = this.reach(start + 1)
    let end = bytes.indexOf(0, start)
    if (end < 0) {
      // The string goes on in the part by which the memory has grown.
      bytes = this.reach(bytes.length + 1)
      end = bytes.indexOf(0, start)
    }
    return decoder.decode(bytes.slice(start, end))
  }
}
