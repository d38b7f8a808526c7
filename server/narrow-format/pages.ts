/** Heap pages, by the layout of src/include/storage/bufpage.h and htup_details.h. */
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { BLCKSZ, LP_NORMAL, offsetof, sizeof } from '../../wasm/machine/postgres-abi.js'

/** Offsets in a page: its checksum, the end of the line pointers, the first of them. */
const { pd_checksum: CHECKSUM, pd_lower: LOWER, pd_linp: LINE_POINTERS } = offsetof.PageHeaderData
/** Offset in a tuple of the byte that says where its columns begin. */
const { t_hoff: COLUMNS } = offsetof.HeapTupleHeaderData

/** Files of a table: the first, and those of more than 1 GB. */
function* filesOf(path: string): Generator<string> {
  for (let n = 0; existsSync(n === 0 ? path : `${path}.${n}`); n++) yield n === 0 ? path : `${path}.${n}`
}

/**
 * Calls `change` with the columns of each tuple in a table, of dead ones too, and writes what it has changed.
 *
 * @param checksums whether pages have them
 */
export function changeTuples(path: string, checksums: boolean, change: (columns: DataView) => void): void {
  let block = 0
  for (const file of filesOf(path)) {
    const content = readFileSync(file)
    for (let at = 0; at < content.length; at += BLCKSZ, block++) {
      const page = new DataView(content.buffer, content.byteOffset + at, BLCKSZ)
      for (const columns of tuplesIn(page)) change(columns)
      if (checksums && page.getUint16(LOWER, true) !== 0)
        page.setUint16(CHECKSUM, checksumOf(page, block), true)
    }
    writeBack(file, content)
  }
}

/** The columns of each tuple in a table. */
export function* tuplesOf(path: string): Generator<DataView> {
  for (const file of filesOf(path)) {
    const content = readFileSync(file)
    for (let at = 0; at < content.length; at += BLCKSZ)
      yield* tuplesIn(new DataView(content.buffer, content.byteOffset + at, BLCKSZ))
  }
}

function writeBack(file: string, content: Uint8Array): void {
  const fd = openSync(file, 'r+')
  try {
    writeFileSync(fd, content)
  } finally {
    closeSync(fd)
  }
}

function* tuplesIn(page: DataView): Generator<DataView> {
  const end = page.getUint16(LOWER, true)
  for (let at = LINE_POINTERS; at < end; at += sizeof.ItemIdData) {
    const pointer = page.getUint32(at, true)
    const [offset, flags, length] = [pointer & 0x7fff, (pointer >>> 15) & 3, pointer >>> 17]
    if (flags !== LP_NORMAL) continue
    const columns = page.getUint8(offset + COLUMNS)
    yield new DataView(page.buffer, page.byteOffset + offset + columns, length - columns)
  }
}

const PRIME = 16777619
const SUMS = 32
const BASES = [
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c, 0xf8d4474f,
  0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc,
  0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4, 0x783125bb, 0x6ca8eaa2, 0xe407eac6,
  0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
]

/** As pg_checksum_page() in src/include/storage/checksum_impl.h computes it: 32 sums of FNV-1a's kind side by side. */
export function checksumOf(page: DataView, block: number): number {
  const sums = Uint32Array.from(BASES)
  const mix = (i: number, value: number) => {
    const mixed = sums[i]! ^ value
    sums[i] = Math.imul(mixed, PRIME) ^ (mixed >>> 17)
  }
  for (let at = 0; at < BLCKSZ; at += 4) {
    // The checksum itself counts as 0.
    const value = page.getUint32(at, true)
    mix((at / 4) % SUMS, at === CHECKSUM ? value & 0xffff0000 : value)
  }
  for (let round = 0; round < 2; round++) for (let i = 0; i < SUMS; i++) mix(i, 0)
  const folded = sums.reduce((folded, sum) => folded ^ sum, 0)
  return (((folded ^ block) >>> 0) % 65535) + 1
}
