/**
 * global/pg_control, as far as the server needs to know it before PostgreSQL runs: to tell a cluster whose files this
 * server can read from one of another format, and to give each cluster that is unpacked from the template an identity of
 * its own.
 *
 * The offsets are those of ControlFileData in PostgreSQL 18 (src/include/catalog/pg_control.h, pg_control_version
 * 1800). Its fields have fixed sizes, so they are the same on 32 and 64 bits; the CRC at the end says whether they hold.
 */
const CONTROL_VERSION = 1800
const SYSTEM_IDENTIFIER = 0
const VERSION = 8
const WAL_SEGMENT_SIZE = 228
const FLOAT8_BY_VALUE = 248

/** What the files of a cluster must have in common with those of this server: 64-bit servers have the same by default. */
const FORMAT: readonly { at: number; ours: number; of(value: number): string }[] = [
  { at: 12, ours: 202506291, of: value => `catalogs of version ${value}` },
  { at: 204, ours: 8, of: value => `values aligned to ${value} bytes` },
  { at: 216, ours: 8192, of: value => `blocks of ${value} bytes` },
  { at: 220, ours: 131072, of: value => `table files of ${value} blocks` },
  { at: 224, ours: 8192, of: value => `WAL blocks of ${value} bytes` },
  { at: 232, ours: 64, of: value => `names of ${value} bytes` },
  { at: 236, ours: 32, of: value => `indexes of ${value} columns` },
  { at: 240, ours: 1996, of: value => `TOAST chunks of ${value} bytes` },
  { at: 244, ours: 2048, of: value => `large objects of ${value} bytes a row` },
]
const MOCK_AUTHENTICATION_NONCE = { start: 257, end: 289 }
const CRC = 292

/** Offsets in XLogLongPageHeaderData, with which each WAL segment starts (src/include/access/xlog_internal.h). */
const WAL_INFO = 2
const WAL_LONG_HEADER = 0x0002
const WAL_SYSTEM_IDENTIFIER = 24

/** Whether the file is whole, and of PostgreSQL 18. */
export function isControlFile(control: Uint8Array): boolean {
  if (control.length < CRC + 4 || numbers(control).getUint32(VERSION, true) !== CONTROL_VERSION) return false
  return crc32c(control.subarray(0, CRC)) === numbers(control).getUint32(CRC, true)
}

/**
 * Why this server cannot read the cluster's files, and what to do, to be said after their place and a colon; undefined if it
 * can. The file must be valid, as isControlFile() tells.
 */
export function foreignFormat(control: Uint8Array): string | undefined {
  const fields = numbers(control)
  if (fields.getUint8(FLOAT8_BY_VALUE) === 0)
    return (
      'it was made by PGlite, by an earlier version of this server or by another server of 32 bits, whose files differ from ' +
      'those of 64 bits that this one has: dump it with the program that made it, and restore that into a new cluster'
    )
  const differences = FORMAT.flatMap(({ at, ours, of }) => {
    const theirs = fields.getUint32(at, true)
    return theirs === ours ? [] : `${of(theirs)}, not ${ours}`
  })
  if (differences.length === 0) return undefined
  return `its files have ${differences.join('; ')}: dump it with the server that made it, and restore that into a new cluster`
}

/** Bytes of each of the cluster's WAL segments; the file must be valid, as isControlFile() tells. */
export function walSegmentSize(control: Uint8Array): number {
  return numbers(control).getUint32(WAL_SEGMENT_SIZE, true)
}

/** A new system identifier, made as PostgreSQL makes one: the time in microseconds, and some bits to tell twins apart. */
export function newSystemIdentifier(): bigint {
  const now = Date.now()
  const [microsecond = 0, twin = 0] = crypto.getRandomValues(new Uint16Array(2))
  const seconds = BigInt(Math.floor(now / 1000))
  const microseconds = BigInt((now % 1000) * 1000 + (microsecond % 1000))
  return (seconds << 32n) | (microseconds << 12n) | BigInt(twin % 0x1000)
}

/**
 * A file of the cluster template as it is in a cluster with this system identifier. Only two files differ.
 *
 * @param name its path, ending with the path inside the data directory
 */
export function identified(name: string, content: Uint8Array, systemIdentifier: bigint): Uint8Array {
  if (/(^|\/)global\/pg_control$/.test(name)) return identifyControlFile(content, systemIdentifier)
  if (/(^|\/)pg_wal\/[0-9A-F]{24}$/.test(name)) return identifyWal(content, systemIdentifier)
  return content
}

/**
 * A copy of pg_control with this system identifier, and with secrets of its own. The same identifier must go into the
 * cluster's WAL: see identifyWal().
 */
function identifyControlFile(original: Uint8Array, systemIdentifier: bigint): Uint8Array {
  const control = original.slice()
  if (!isControlFile(control)) throw new Error('pg_control has an unknown layout')
  numbers(control).setBigUint64(SYSTEM_IDENTIFIER, systemIdentifier, true)
  crypto.getRandomValues(control.subarray(MOCK_AUTHENTICATION_NONCE.start, MOCK_AUTHENTICATION_NONCE.end))
  numbers(control).setUint32(CRC, crc32c(control.subarray(0, CRC)), true)
  return control
}

/**
 * A copy of a WAL segment with this system identifier: PostgreSQL compares the one in the long header of the first page
 * with pg_control's. Page headers are not covered by a CRC; the records behind them do not contain the identifier.
 */
function identifyWal(original: Uint8Array, systemIdentifier: bigint): Uint8Array {
  const segment = original.slice()
  // A segment that was prepared for later use has no header yet.
  if ((numbers(segment).getUint16(WAL_INFO, true) & WAL_LONG_HEADER) !== 0) {
    numbers(segment).setBigUint64(WAL_SYSTEM_IDENTIFIER, systemIdentifier, true)
  }
  return segment
}

function numbers(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.byteLength)
}

const CASTAGNOLI = 0x82f63b78

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CASTAGNOLI : crc >>> 1
  return crc
})

/** CRC-32C (Castagnoli), which PostgreSQL uses for pg_control and WAL; zlib's crc32() is another polynomial. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
