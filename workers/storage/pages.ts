/**
 * The contents of files, in a row for each page. The pages have the size of PostgreSQL's, because that is what it writes. A page of zeros
 * has no row, and a row leaves off the zeros at its page's end. In a cluster that leans on a template, a page without a row may be the
 * template's; then a page of zeros in its place has a row with a few of them.
 */
import { FileError } from '../../wasm/machine/volume/node.js'
import { idOf, MOST_PAGES, PAGE, pagesOf, putPage } from './page-numbers.js'
import type { Snapshot } from './snapshot.js'
import type { Statements } from './statements.js'
import { LEANING, type Leaning } from './template.js'

const READ = 'select bytes from postgres_page where id = ?'
const READ_SEVERAL = 'select id, bytes from postgres_page where id between ? and ?'
const WRITE = 'insert or replace into postgres_page values (?, ?, ?)'
const COPY =
  'insert into postgres_page select id + ?, change, bytes from postgres_page where id between ? and ?'
const LEAN = `insert or replace into ${LEANING} values (?, ?, ?)`
const STAND = `delete from ${LEANING} where inode = ?`
const REMOVE = 'delete from postgres_page where id between ? and ?'

/** Bytes in the row of a page of zeros: a row without bytes could not be told from one with null. */
const LEAST = 4

export class Pages {
  readonly #statements: Statements
  /** A snapshot that has to know of each page before it changes, if there is one. */
  snapshot: Snapshot | undefined
  readonly #leaning: Leaning | undefined

  /** @param leaning which pages are a template's, if the files lean on one */
  constructor(statements: Statements, leaning: Leaning | undefined) {
    this.#statements = statements
    this.#leaning = leaning
  }

  read(inode: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
    const end = position + length
    const first = Math.floor(position / PAGE)
    const last = Math.floor((end - 1) / PAGE)
    buffer.fill(0, offset, offset + length)
    const put = (number: number, bytes: Uint8Array) =>
      putPage(bytes, number * PAGE, buffer, offset, position, end)
    if (this.#leaning?.of(inode) !== undefined) {
      const found = new Map<number, Uint8Array>()
      if (this.#leaning.mayHaveRows(inode, first, last))
        for (const { id, bytes } of this.#statements.rows(
          READ_SEVERAL,
          idOf(inode, first),
          idOf(inode, last),
        ))
          found.set((id as number) - idOf(inode, 0), new Uint8Array(bytes as ArrayBuffer))
      for (let number = first; number <= last; number++) {
        const bytes = found.get(number) ?? this.#leaning.page(inode, number)
        if (bytes !== undefined) put(number, bytes)
      }
    } else if (first === last) {
      for (const { bytes } of this.#statements.rows(READ, idOf(inode, first)))
        put(first, new Uint8Array(bytes as ArrayBuffer))
    } else {
      for (const { id, bytes } of this.#statements.rows(READ_SEVERAL, idOf(inode, first), idOf(inode, last)))
        put((id as number) - idOf(inode, 0), new Uint8Array(bytes as ArrayBuffer))
    }
  }

  /** Writes everything or nothing, like all methods of this class that change pages. */
  write(inode: number, buffer: Uint8Array, offset: number, length: number, position: number): void {
    const first = Math.floor(position / PAGE)
    const last = Math.floor((position + length - 1) / PAGE)
    const writeAll = () => {
      for (let number = first; number <= last; number++) {
        const start = Math.max(position, number * PAGE)
        const end = Math.min(position + length, (number + 1) * PAGE)
        const bytes = buffer.subarray(offset + start - position, offset + end - position)
        this.snapshot?.keep(inode, number)
        this.#writeWithin(inode, number, bytes, start - number * PAGE)
      }
    }
    if (first === last) writeAll()
    else this.#statements.atomically(writeAll)
  }

  /** Gives a file whose size is `former` another size. */
  resize(inode: number, former: number, size: number): void {
    if (size > MOST_PAGES * PAGE) throw new FileError('EFBIG', `${size} bytes`)
    if (size >= former) return
    const kept = pagesOf(size)
    this.#statements.atomically(() => {
      this.snapshot?.keep(inode, kept, pagesOf(former) - 1)
      this.#statements.change(REMOVE, idOf(inode, kept), idOf(inode, MOST_PAGES - 1))
      const shared = this.#leaning?.of(inode)
      if (shared !== undefined && shared.pages > kept) this.#lean(inode, shared.file, kept)
      if (size % PAGE === 0) return
      this.snapshot?.keep(inode, kept - 1)
      this.#write(inode, kept - 1, this.#whole(inode, kept - 1).fill(0, size % PAGE))
    })
  }

  copy(from: number, to: number): void {
    const all = [idOf(from, 0), idOf(from, MOST_PAGES - 1)]
    this.#statements.change(COPY, idOf(to, 0) - idOf(from, 0), ...all)
    const shared = this.#leaning?.of(from)
    if (shared !== undefined) this.#lean(to, shared.file, shared.pages)
  }

  /** To be called when a file has gone whose pages were removed. */
  forget(inode: number): void {
    if (this.#leaning?.of(inode) === undefined) return
    if (!this.#leaning.isOfTemplate(inode)) this.#statements.change(STAND, inode)
    this.#leaning.set(inode, undefined)
  }

  #lean(inode: number, file: number, pages: number): void {
    this.#statements.change(LEAN, inode, file, pages)
    this.#leaning!.set(inode, { file, pages })
  }

  free(inode: number): void {
    this.#statements.change(REMOVE, idOf(inode, 0), idOf(inode, MOST_PAGES - 1))
  }

  #writeWithin(inode: number, number: number, bytes: Uint8Array, position: number): void {
    const page = bytes.length === PAGE ? new Uint8Array(PAGE) : this.#whole(inode, number)
    page.set(bytes, position)
    this.#write(inode, number, page)
  }

  #write(inode: number, number: number, page: Uint8Array): void {
    const id = idOf(inode, number)
    const length = usedLength(page)
    if (length > 0 || this.#leaning?.page(inode, number) !== undefined) {
      this.#leaning?.wrote(inode, number)
      this.#statements.write('postgres_page', WRITE, id, page.subarray(0, Math.max(length, LEAST)))
    } else this.#statements.change(REMOVE, id, id)
  }

  #whole(inode: number, number: number): Uint8Array {
    const page = new Uint8Array(PAGE)
    const hasNone = this.#leaning?.mayHaveRows(inode, number, number) === false
    const row = hasNone ? undefined : this.#statements.rows(READ, idOf(inode, number))[0]
    const bytes = row && new Uint8Array(row.bytes as ArrayBuffer)
    page.set(bytes ?? this.#leaning?.page(inode, number) ?? [])
    return page
  }
}

/** The length of a page without the zeros at its end. */
function usedLength(page: Uint8Array): number {
  const words = new Uint32Array(page.buffer, page.byteOffset, page.length >> 2)
  let length = words.length
  while (length > 0 && words[length - 1] === 0) length--
  return length << 2
}
