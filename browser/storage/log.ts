/**
 * The log of a volume's changes, in two files, of which one is in use. That one begins with all changes that make the volume as it was
 * when the file was begun; the changes since then follow. When the file has become long, the log begins the other file, with the volume
 * as it is then, and empties the first when the other is durable.
 *
 * A file consists of records: the length of the record's text in bytes, the text's CRC-32C, both as 32-bit little-endian numbers, and the
 * text, which is JSON. A record that is not whole, and what follows it, was not durable when the host ended, so it does not count.
 */
import { crc32c } from '../../wasm/cluster/control-file.js'
import { FileError } from '../../wasm/machine/volume/node.js'
import type { Change } from './inodes.js'
import { readAll, type SyncFile, translated, writeAll } from './sync-file.js'

/** The version of the log's format, and of what the changes mean. */
export const FORMAT = 1

interface Beginning {
  readonly format: number
  /** The higher number is that of the file in use. */
  readonly generation: number
  readonly changes: readonly Change[]
}

const HEADER = 8
/** The log begins another file when its file has this many bytes, and GROWTH times those that it began with. */
const LONG = 1 << 20
const GROWTH = 3

export class Log {
  readonly #files: readonly [SyncFile, SyncFile]
  #current = 0
  #generation = 0
  #end = 0
  #begun = 0
  /** Why nothing can be added any more. */
  #broken: Error | undefined

  constructor(files: readonly [SyncFile, SyncFile]) {
    this.#files = files
  }

  /**
   * Reads the log.
   *
   * @returns all changes in their order; undefined if there is no log
   * @throws Error if the log has a format that this version does not know
   */
  read(): Change[] | undefined {
    const found = this.#files.map(file => new Records(file))
    const beginnings = found.map(records => records.next() as Beginning | undefined)
    const [first, second] = beginnings
    if (first === undefined && second === undefined) return undefined
    this.#current = (second?.generation ?? -1) > (first?.generation ?? -1) ? 1 : 0
    const { format, generation, changes } = beginnings[this.#current]!
    if (format !== FORMAT) throw new Error(`format ${format} of a later version, this one knows ${FORMAT}`)
    this.#generation = generation
    const records = found[this.#current]!
    this.#begun = records.end
    const all = [...changes]
    for (;;) {
      const more = records.next() as Change[] | undefined
      if (more === undefined) break
      for (const change of more) all.push(change)
    }
    this.#end = records.end
    return all
  }

  /** Adds changes, and makes them durable: all of them or none. @throws FileError */
  append(changes: readonly Change[]): void {
    if (this.#broken !== undefined) throw new FileError('EIO', this.#broken.message)
    const file = this.#files[this.#current]!
    const record = recordOf(changes)
    writeAll(file, record, this.#end)
    translated(() => file.flush())
    this.#end += record.length
  }

  /** Whether it is time to begin another file. */
  get long(): boolean {
    return this.#end > LONG && this.#end > GROWTH * this.#begun
  }

  /** Begins another file with all changes that make the volume. @throws FileError; then the log goes on in the present file */
  begin(changes: readonly Change[]): void {
    const next = 1 - this.#current
    const file = this.#files[next]!
    const generation = this.#generation + 1
    const record = recordOf({ format: FORMAT, generation, changes } satisfies Beginning)
    try {
      translated(() => file.truncate(0))
      writeAll(file, record, 0)
      translated(() => file.flush())
    } catch (error) {
      this.#empty(next)
      throw error
    }
    const former = this.#current
    this.#current = next
    this.#generation = generation
    this.#begun = record.length
    this.#end = record.length
    try {
      this.#files[former]!.truncate(0)
    } catch {
      // It does not count any more, so it need not be empty.
    }
  }

  /** Empties a file that has no whole beginning, or one that is not durable: it must not count when the other one has become longer. */
  #empty(index: number): void {
    try {
      this.#files[index]!.truncate(0)
    } catch (error) {
      this.#broken = error as Error
    }
  }
}

function recordOf(value: unknown): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(value))
  const record = new Uint8Array(HEADER + text.length)
  const header = new DataView(record.buffer)
  header.setUint32(0, text.length, true)
  header.setUint32(4, crc32c(text), true)
  record.set(text, HEADER)
  return record
}

/** Reads the records of a file, as far as they are whole. */
class Records {
  readonly #file: SyncFile
  readonly #size: number
  /** Where the last record that was read ends. */
  end = 0

  constructor(file: SyncFile) {
    this.#file = file
    this.#size = translated(() => file.getSize())
  }

  next(): unknown {
    const start = this.end + HEADER
    if (start > this.#size) return undefined
    const header = new Uint8Array(HEADER)
    readAll(this.#file, header, this.end)
    const numbers = new DataView(header.buffer)
    const length = numbers.getUint32(0, true)
    if (length === 0 || start + length > this.#size) return undefined
    const text = new Uint8Array(length)
    readAll(this.#file, text, start)
    if (crc32c(text) !== numbers.getUint32(4, true)) return undefined
    this.end = start + length
    return JSON.parse(new TextDecoder().decode(text))
  }
}
