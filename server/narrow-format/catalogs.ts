/**
 * Marks the types of 8 bytes that a 64-bit server passes by value, and all columns of such types, in the catalogs of one database. The values
 * themselves are the same on disk. This is done to the files, because no server could read the catalogs before.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as abi from '../../wasm/machine/postgres-abi.js'
import { changeTuples, tuplesOf } from './pages.js'

/** The types that pg_type.dat marks with FLOAT8PASSBYVAL. */
const BY_VALUE: readonly number[] = [
  ...[abi.INT8OID, abi.FLOAT8OID, abi.MONEYOID, abi.PG_LSNOID, abi.XID8OID],
  ...[abi.TIMEOID, abi.TIMESTAMPOID, abi.TIMESTAMPTZOID],
]
/** The types that are as long as a pointer. */
const POINTERS: readonly number[] = [abi.PG_DDL_COMMANDOID, abi.INTERNALOID]

/** Offsets of columns. All before them have fixed lengths and are not null. */
const { FormData_pg_type: TYPE, FormData_pg_attribute: ATTRIBUTE } = abi.offsetof

/** @param folder of the database, base/OID */
export function widenCatalogs(folder: string, checksums: boolean): void {
  const files = mappedFiles(folder)
  const fileOf = (catalog: number) => join(folder, String(files.get(catalog)))
  const types = byValue(fileOf(abi.TypeRelationId))
  changeTuples(fileOf(abi.TypeRelationId), checksums, columns => {
    const oid = columns.getUint32(TYPE.oid, true)
    if (types.has(oid)) columns.setUint8(TYPE.typbyval, 1)
    if (!POINTERS.includes(oid)) return
    columns.setInt16(TYPE.typlen, 8, true)
    columns.setUint8(TYPE.typalign, abi.TYPALIGN_DOUBLE)
  })
  changeTuples(fileOf(abi.AttributeRelationId), checksums, columns => {
    if (types.has(columns.getUint32(ATTRIBUTE.atttypid, true))) columns.setUint8(ATTRIBUTE.attbyval, 1)
  })
}

/** Those types, and domains over them, and domains over those. */
function byValue(file: string): ReadonlySet<number> {
  const bases = new Map<number, number>()
  for (const columns of tuplesOf(file))
    if (columns.getUint8(TYPE.typtype) === abi.TYPTYPE_DOMAIN)
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
