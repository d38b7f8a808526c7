/**
 * Converts a cluster of a 32-bit server, of PGlite for example, to the format of a 64-bit one. The rows are the same in both. What differs are
 * the control file and the catalogs: which types are passed by value, and constants in stored expressions. The former is changed in the files,
 * the latter by SQL, in a server that runs on them.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from 'pg'
import {
  hasChecksums,
  isControlFile,
  isNarrow,
  isShutDown,
  widened,
} from '../../wasm/cluster/control-file.js'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { syncTree } from '../new-cluster/template.js'
import type { PostgresServer } from '../postgres-server.js'
import { widenCatalogs } from './catalogs.js'
import { type PassedTypes, widenConstants } from './constants.js'

/** Files that only a running server needs, or that the next server makes anew. */
const DROPPED = /^(pg_internal\.init.*|postmaster\.(pid|opts))$/
/** Folders with files in a format that differs, and without which the cluster works: replication slots and statistics. */
const EMPTIED = ['pg_replslot', 'pg_stat', 'pg_stat_tmp']

/** Settings for a server in which no other process reads the catalogs while they are changed. */
const ALONE = {
  autovacuum: false,
  event_triggers: false,
  max_logical_replication_workers: 0,
  shared_preload_libraries: '',
  session_preload_libraries: '',
  local_preload_libraries: '',
  fsync: false,
}

/** Whether the files of a data directory are those of a 32-bit server, and could be converted. */
export function isNarrowCluster(directory: string): boolean {
  const file = join(directory, 'global', 'pg_control')
  if (!existsSync(file)) return false
  const control = readFileSync(file)
  return isControlFile(control) && isNarrow(control)
}

export interface Conversion {
  /** Starts a server on the directory, to which other processes cannot connect. */
  start(dataDir: string, settings: typeof ALONE): Promise<PostgresServer>
  /** A role of the cluster. */
  readonly superuser: string
  /** Called for each extension of the cluster that this server does not have. */
  onMissing(missing: MissingExtension): void
}

export interface MissingExtension {
  readonly database: string
  readonly extension: string
}

/**
 * Converts the files in a directory. They must be a copy, because a failure leaves them useless.
 *
 * @throws StartupError that says what there is in the cluster that cannot be converted
 */
export async function widenCluster(directory: string, conversion: Conversion): Promise<void> {
  const { start } = conversion
  dropFiles(directory)
  const file = join(directory, 'global', 'pg_control')
  // Recovery writes blocks and reads no catalogs, and both formats have the same WAL.
  if (!isShutDown(widenControl(file))) await (await start(directory, ALONE)).stop()
  if (readdirSync(join(directory, 'pg_twophase')).length > 0)
    throw new StartupError('the cluster has prepared transactions: commit them or roll them back first')
  dropFiles(directory)
  const checksums = hasChecksums(readFileSync(file))
  for (const database of readdirSync(join(directory, 'base')))
    if (/^\d+$/.test(database)) widenCatalogs(join(directory, 'base', database), checksums)

  const server = await start(directory, ALONE)
  try {
    await widenDatabases(server, conversion)
  } catch (error) {
    throw new StartupError(`the cluster cannot be converted: ${(error as Error).message}`)
  } finally {
    await server.stop()
  }
  syncTree(directory)
}

function widenControl(file: string): Uint8Array {
  const control = widened(readFileSync(file))
  writeFileSync(file, control)
  return control
}

function dropFiles(directory: string): void {
  for (const folder of ['.', 'global', ...subfoldersOf(directory, 'base')])
    for (const name of readdirSync(join(directory, folder)))
      if (DROPPED.test(name)) rmSync(join(directory, folder, name))
  for (const folder of EMPTIED)
    for (const name of readdirSync(join(directory, folder)))
      rmSync(join(directory, folder, name), { recursive: true })
}

function subfoldersOf(directory: string, folder: string): string[] {
  return readdirSync(join(directory, folder)).map(name => join(folder, name))
}

async function widenDatabases(server: PostgresServer, { superuser, onMissing }: Conversion): Promise<void> {
  const closed: string[] = []
  await inDatabase(server, superuser, 'postgres', async client => {
    const { rows } = await client.query(
      'update pg_database set datallowconn = true where not datallowconn and datname = any($1) returning datname',
      [['template0']],
    )
    closed.push(...rows.map(row => row.datname))
  })
  const databases = await inDatabase(server, superuser, 'postgres', async client => {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where datallowconn',
    )
    return rows.map(row => row.datname)
  })
  for (const database of databases) {
    await inDatabase(server, superuser, database, widenExpressions)
    // In another session, whose caches have nothing from before the change.
    for (const extension of await inDatabase(server, superuser, database, missingExtensions))
      onMissing({ database, extension })
    await inDatabase(server, superuser, database, rebuild)
  }
  await inDatabase(server, superuser, 'postgres', client =>
    client.query('update pg_database set datallowconn = false where datname = any($1)', [closed]),
  )
}

async function inDatabase<T>(
  server: PostgresServer,
  user: string,
  database: string,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ stream: () => server.connect(), user, database })
  await client.connect()
  try {
    await client.query('set allow_system_table_mods = on')
    return await use(client)
  } catch (error) {
    throw new Error(`in database "${database}": ${(error as Error).message}`)
  } finally {
    await client.end()
  }
}

/** The types of 8 bytes by value are those of a 64-bit server already. */
const WIDE = 'select oid from pg_type where typbyval and typlen = 8'
/** reg… types and xid are stored as oid is; int2, int4, date, float4 and "char" have a sign. */
const UNSIGNED = `
  with recursive bases as (
    select oid, oid as base from pg_type where typbyval and typlen <= 4
    union all
    select b.oid, t.typbasetype from bases b join pg_type t on t.oid = b.base where t.typtype = 'd')
  select b.oid from bases b join pg_type t on t.oid = b.base
  where t.typtype <> 'd' and t.typinput::text not in ('int2in', 'int4in', 'date_in', 'float4in', 'charin')`

/** PGlite, from 0.5.17 on, notes something of its own at columns, by an option that PostgreSQL does not have. */
const REMOVE_FOREIGN_OPTIONS = `
  update pg_attribute
  set attoptions = nullif(array(select option from unnest(attoptions) option where option not like 'pg_attver=%'), '{}')
  where attoptions::text like '%pg_attver=%'`

const COLUMNS = `
  select a.attrelid::regclass::text as catalog, array_agg(quote_ident(attname)::text order by attnum) as columns
  from pg_attribute a join pg_class c on c.oid = a.attrelid
  where atttypid = 'pg_node_tree'::regtype and relkind = 'r' and relnamespace = 'pg_catalog'::regnamespace group by 1`

async function widenExpressions(client: Client): Promise<void> {
  await client.query('begin')
  await client.query('create cast (text as pg_node_tree) without function')
  const oids = async (query: string) =>
    new Set((await client.query<{ oid: number }>(query)).rows.map(({ oid }) => Number(oid)))
  const types: PassedTypes = { wide: await oids(WIDE), unsigned: await oids(UNSIGNED) }
  const catalogs = await client.query<{ catalog: string; columns: string[] }>(COLUMNS)
  for (const { catalog, columns } of catalogs.rows) await widenColumns(client, catalog, columns, types)
  await client.query('drop cast (text as pg_node_tree)')
  await client.query(REMOVE_FOREIGN_OPTIONS)
  await client.query('commit')
}

async function widenColumns(
  client: Client,
  catalog: string,
  columns: readonly string[],
  types: PassedTypes,
): Promise<void> {
  const read = `select ctid::text, ${columns.map(name => `${name}::text`)} from ${catalog} where coalesce(${columns.map(name => `${name}::text`)}) is not null`
  const { rows } = await client.query<(string | null)[]>({ text: read, rowMode: 'array' })
  const set = columns.map((name, i) => `${name} = $${i + 2}::text::pg_node_tree`)
  for (const [ctid, ...trees] of rows) {
    const wide = trees.map(tree => tree && widenConstants(tree, types))
    if (wide.some((tree, i) => tree !== trees[i]))
      await client.query(`update ${catalog} set ${set} where ctid = $1::tid`, [ctid, ...wide])
  }
}

async function missingExtensions(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ extname: string }>(
    'select extname from pg_extension where extname not in (select name from pg_available_extensions) order by 1',
  )
  return rows.map(({ extname }) => extname)
}

/** SQLSTATE of a file that does not exist: that of an extension's library. */
const UNDEFINED_FILE = '58P01'

/** Objects that contain values as a server has them in memory: indexes of SP-GiST, and extended statistics. */
async function rebuild(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "select c.oid::regclass::text as name from pg_class c join pg_am a on a.oid = relam where amname = 'spgist' and relkind = 'i'",
  )
  for (const { name } of rows) await client.query(`reindex index ${name}`)
  const { rows: tables } = await client.query<{ name: string }>(
    'select distinct stxrelid::regclass::text as name from pg_statistic_ext_data join pg_statistic_ext s on s.oid = stxoid',
  )
  await client.query('delete from pg_statistic_ext_data')
  for (const { name } of tables)
    await client.query(`analyze ${name}`).catch((error: { code?: string }) => {
      // A table with an index of an extension that is missing cannot even be read.
      if (error.code !== UNDEFINED_FILE) throw error
    })
}
