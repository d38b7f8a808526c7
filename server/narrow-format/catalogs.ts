/**
 * Marks the types of 8 bytes that a 64-bit server passes by value, and all columns of such types, in the catalogs of one database. The values
 * themselves are the same on disk. This is done to the files, because no server could read the catalogs before.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { changeTuples, tuplesOf } from './pages.js'

/** OIDs in pg_type.dat, for FLOAT8PASSBYVAL: int8, float8, money, time, timestamp, timestamptz, pg_lsn, xid8. */
const BY_VALUE = [20, 701, 790, 1083, 1114, 1184, 3220, 5069]
/** Those that are as long as a pointer: pg_ddl_command, internal. */
const POINTERS = [32, 2281]

const PG_TYPE = 1247
const PG_ATTRIBUTE = 1249

/** Offsets of columns. All before them have fixed lengths and are not null. */
const TYPE = { oid: 0, typlen: 76, typbyval: 78, typtype: 79, typalign: 128, typbasetype: 132 }
const ATTRIBUTE = { atttypid: 68, attbyval: 82 }

const DOMAIN = 'd'.charCodeAt(0)
const DOUBLE = 'd'.charCodeAt(0)

/** @param folder of the database, base/OID */
export function widenCatalogs(folder: string, checksums: boolean): void {
  const files = mappedFiles(folder)
  const fileOf = (catalog: number) => join(folder, String(files.get(catalog)))
  const types = byValue(fileOf(PG_TYPE))
  changeTuples(fileOf(PG_TYPE), checksums, columns => {
    const oid = columns.getUint32(TYPE.oid, true)
    if (types.has(oid)) columns.setUint8(TYPE.typbyval, 1)
    if (!POINTERS.includes(oid)) return
    columns.setInt16(TYPE.typlen, 8, true)
    columns.setUint8(TYPE.typalign, DOUBLE)
  })
  changeTuples(fileOf(PG_ATTRIBUTE), checksums, columns => {
    if (types.has(columns.getUint32(ATTRIBUTE.atttypid, true))) columns.setUint8(ATTRIBUTE.attbyval, 1)
  })
}

/** Those types, and domains over them, and domains over those. */
function byValue(file: string): ReadonlySet<number> {
  const bases = new Map<number, number>()
  for (const columns of tuplesOf(file))
    if (columns.getUint8(TYPE.typtype) === DOMAIN)
      bases.set(columns.getUint32(TYPE.oid, true), columns.getUint32(TYPE.typbasetype, true))
  const types = new Set(BY_VALUE)
  for (let size = 0; size < types.size; ) {
    size = types.size
    for (const [domain, base] of bases) if (types.has(base)) types.add(domain)
  }
  return types
}

/** The files of the catalogs that PostgreSQL finds without pg_class, by their OIDs: pg_filenode.map in relmapper.c. */
function mappedFiles(folder: string): ReadonlyMap<number, number> {
  const map = readFileSync(join(folder, 'pg_filenode.map'))
  const count = map.readInt32LE(4)
  return new Map(
    Array.from({ length: count }, (_, i) => [map.readUInt32LE(8 + 8 * i), map.readUInt32LE(12 + 8 * i)]),
  )
}
