/**
 * global/pg_control, as far as the host needs it before PostgreSQL runs: to refuse a cluster with another format of files, and
 * to give each copy of the template an identity of its own.
 *
 * The fields of ControlFileData (src/include/catalog/pg_control.h) have fixed sizes, so their offsets are the same for 32 and
 * 64 bits. The CRC at the end confirms it.
 */
import {
  BLCKSZ,
  CATALOG_VERSION_NO,
  DB_SHUTDOWNED,
  INDEX_MAX_KEYS,
  LOBLKSIZE,
  MAXIMUM_ALIGNOF,
  MOCK_AUTH_NONCE_LEN,
  NAMEDATALEN,
  offsetof,
  PG_CONTROL_VERSION,
  RELSEG_SIZE,
  TOAST_MAX_CHUNK_SIZE,
  XLOG_BLCKSZ,
  XLP_LONG_HEADER,
} from '../machine/postgres-abi.js'

const { ControlFileData: CONTROL, XLogPageHeaderData: PAGE, XLogLongPageHeaderData: FIRST_PAGE } = offsetof

/** Values that a cluster's files must have. 64-bit servers have the same by default. */
const FORMAT: readonly { at: number; ours: number; of(value: number): string }[] = [
  { at: CONTROL.catalog_version_no, ours: CATALOG_VERSION_NO, of: value => `catalogs of version ${value}` },
  { at: CONTROL.maxAlign, ours: MAXIMUM_ALIGNOF, of: value => `values aligned to ${value} bytes` },
  { at: CONTROL.blcksz, ours: BLCKSZ, of: value => `blocks of ${value} bytes` },
  { at: CONTROL.relseg_size, ours: RELSEG_SIZE, of: value => `table files of ${value} blocks` },
  { at: CONTROL.xlog_blcksz, ours: XLOG_BLCKSZ, of: value => `WAL blocks of ${value} bytes` },
  { at: CONTROL.nameDataLen, ours: NAMEDATALEN, of: value => `names of ${value} bytes` },
  { at: CONTROL.indexMaxKeys, ours: INDEX_MAX_KEYS, of: value => `indexes of ${value} columns` },
  {
    at: CONTROL.toast_max_chunk_size,
    ours: TOAST_MAX_CHUNK_SIZE,
    of: value => `TOAST chunks of ${value} bytes`,
  },
  { at: CONTROL.loblksize, ours: LOBLKSIZE, of: value => `large objects of ${value} bytes a row` },
]

/** Whether the file is a valid pg_control of PostgreSQL 18. */
export function isControlFile(control: Uint8Array): boolean {
  const fields = numbers(control)
  if (control.length < CONTROL.crc + 4) return false
  if (fields.getUint32(CONTROL.pg_control_version, true) !== PG_CONTROL_VERSION) return false
  return crc32c(control.subarray(0, CONTROL.crc)) === fields.getUint32(CONTROL.crc, true)
}

/**
 * Why this server cannot read the cluster's files, and what to do, as the second half of a message; undefined if it can.
 *
 * @param control a valid file: see isControlFile()
 */
export function foreignFormat(control: Uint8Array): string | undefined {
  const fields = numbers(control)
  if (fields.getUint8(CONTROL.float8ByVal) === 0)
    return (
      'it was made by PGlite, by an earlier version of this server or by another 32-bit server, whose files have another ' +
      'format: convert a copy by "pglite-imports-server import -D NEW OLD", or dump it with the program that made it'
    )
  const differences = FORMAT.flatMap(({ at, ours, of }) => {
    const theirs = fields.getUint32(at, true)
    return theirs === ours ? [] : `${of(theirs)}, not ${ours}`
  })
  if (differences.length === 0) return undefined
  return `its files have ${differences.join('; ')}: dump it with the server that made it, and restore the dump into a new cluster`
}

/** Whether 32-bit servers have written the files, PGlite for example, and nothing else is foreign. The file must be valid. */
export function isNarrow(control: Uint8Array): boolean {
  return numbers(control).getUint8(CONTROL.float8ByVal) === 0 && foreignFormat(widened(control)) === undefined
}

/** Whether the server was shut down, so that all is in the files. The file must be valid. */
export function isShutDown(control: Uint8Array): boolean {
  return numbers(control).getUint32(CONTROL.state, true) === DB_SHUTDOWNED
}

/** Whether the pages have checksums. The file must be valid. */
export function hasChecksums(control: Uint8Array): boolean {
  return numbers(control).getUint32(CONTROL.data_checksum_version, true) !== 0
}

/** A copy that says that files are those of a 64-bit server. */
export function widened(original: Uint8Array): Uint8Array {
  const control = original.slice()
  control[CONTROL.float8ByVal] = 1
  numbers(control).setUint32(CONTROL.crc, crc32c(control.subarray(0, CONTROL.crc)), true)
  return control
}

/** Size of the cluster's WAL segments in bytes. The file must be valid: see isControlFile(). */
export function walSegmentSize(control: Uint8Array): number {
  return numbers(control).getUint32(CONTROL.xlog_seg_size, true)
}

/** Behind xlp_info, which has 16 bits, and xlp_tli, which has 32. */
const PAGE_ADDRESS = PAGE.xlp_info + 6

/** How many bytes of a WAL segment isUsedSegment() needs. */
export const WAL_HEADER = PAGE_ADDRESS + 8

/**
 * Whether PostgreSQL has begun to write to a WAL segment: then its first page has the address that the segment's name stands for.
 *
 * @param name 24 hexadecimal digits
 * @param header its first bytes
 */
export function isUsedSegment(name: string, header: Uint8Array, segmentSize: number): boolean {
  const [high, number] = [BigInt(`0x${name.slice(8, 16)}`), BigInt(`0x${name.slice(16)}`)]
  return numbers(header).getBigUint64(PAGE_ADDRESS, true) === (high << 32n) + number * BigInt(segmentSize)
}

/** A new system identifier, as PostgreSQL makes one: the time in microseconds, and random bits in place of the PID. */
export function newSystemIdentifier(): bigint {
  const now = Date.now()
  const [microsecond = 0, twin = 0] = crypto.getRandomValues(new Uint16Array(2))
  const seconds = BigInt(Math.floor(now / 1000))
  const microseconds = BigInt((now % 1000) * 1000 + (microsecond % 1000))
  return (seconds << 32n) | (microseconds << 12n) | BigInt(twin % 0x1000)
}

/**
 * A file of the template as a cluster with this system identifier has it. Only pg_control and the first WAL segment change.
 *
 * @param name its path, which ends with the path inside the data directory
 */
export function identified(name: string, content: Uint8Array, systemIdentifier: bigint): Uint8Array {
  if (/(^|\/)global\/pg_control$/.test(name)) return identifyControlFile(content, systemIdentifier)
  if (/(^|\/)pg_wal\/[0-9A-F]{24}$/.test(name)) return identifyWal(content, systemIdentifier)
  return content
}

/**
 * A copy of pg_control with this system identifier and a new nonce. The cluster's WAL needs the same identifier: see
 * identifyWal().
 */
function identifyControlFile(original: Uint8Array, systemIdentifier: bigint): Uint8Array {
  const control = original.slice()
  if (!isControlFile(control)) throw new Error('pg_control has an unknown layout')
  numbers(control).setBigUint64(CONTROL.system_identifier, systemIdentifier, true)
  const nonce = CONTROL.mock_authentication_nonce
  crypto.getRandomValues(control.subarray(nonce, nonce + MOCK_AUTH_NONCE_LEN))
  numbers(control).setUint32(CONTROL.crc, crc32c(control.subarray(0, CONTROL.crc)), true)
  return control
}

/**
 * A copy of a WAL segment with this system identifier: PostgreSQL compares the one in the long header of the first page
 * with pg_control's. Page headers are not covered by a CRC; the records behind them do not contain the identifier.
 */
function identifyWal(original: Uint8Array, systemIdentifier: bigint): Uint8Array {
  const segment = original.slice()
  // A segment that was prepared for later use has no header yet.
  if ((numbers(segment).getUint16(PAGE.xlp_info, true) & XLP_LONG_HEADER) !== 0) {
    numbers(segment).setBigUint64(FIRST_PAGE.xlp_sysid, systemIdentifier, true)
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
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
