/**
 * Opens the cluster in a Durable Object's storage, makes one from the template if there is none, or refuses one that the server cannot
 * use. The storage belongs to the object and can have any other tables. Opening writes nothing before all checks have succeeded.
 */

import type { ClusterSnapshot } from '../../embedded/host.js'
import type { ServerModule } from '../../embedded/server-module.js'
import { checkCluster, damaged, type StorageWords, understood } from '../../wasm/cluster/cluster-check.js'
import { walSegmentSize } from '../../wasm/cluster/control-file.js'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import type { FileLayer } from '../../wasm/machine/host/file-layer.js'
import type { Node } from '../../wasm/machine/volume/node.js'
import { type Volume, volume } from '../../wasm/machine/volume/volume.js'
import { requireThisRequest } from '../request.js'
import type { Loss } from './changes.js'
import { filesOnTemplate } from './files-on-template.js'
import type { ObjectSql, ObjectStorage, SqlRow } from './object-storage.js'
import { ObjectStore } from './object-store.js'
import { BACKUP, BACKUP_TABLE, keptFiles, makeRoot, TABLES } from './tables.js'
import {
  keepTemplate,
  keptTemplate,
  Leaning,
  TEMPLATE_TABLES,
  type Template,
  templateOf,
} from './template.js'

export interface ObjectCluster {
  /** The data directory as the root directory of a layer. */
  readonly volume: Volume
  /** Resolves when all is durable that must be before a client gets an answer; returns undefined when it is already. */
  durable(): Promise<void> | undefined
  /** Bytes of each of its WAL segments. */
  readonly walSegmentSize: number
  /** Checks whether the storage has lost something that the server has written. */
  look(): void
  /** The data directory as it is now. @throws Error as ObjectStore.snapshot() does */
  snapshot(): ClusterSnapshot
  /** Lets another server open the cluster. */
  release(): void
}

const WORDS: StorageWords = {
  storage: "the object's storage",
  elsewhere: 'another object',
  remedy: 'restore the storage to an earlier bookmark, or import a copy of the cluster into another object',
}

/** The version of the tables' definitions in tables.ts, and that of a cluster that leans on a template, with the tables in template.ts. */
const FORMAT = 1
const LEANING_FORMAT = 2
const NAMES = [...Object.keys(TABLES), ...Object.keys(TEMPLATE_TABLES)]

/** The table that says which format the tables have, and which server used them last. */
const SERVER = 'postgres_server'
const SERVER_TABLE = `CREATE TABLE ${SERVER} (format INTEGER, id TEXT)`

/**
 * The running servers by their ids, each with a function that throws once the server's object is gone. An object is in one isolate at a
 * time, so all servers that could share a storage are in this map. The isolate outlives an evicted object, so servers that no longer run
 * are in it as well.
 */
const running = new Map<string, () => void>()

/** How a storage without a cluster gets one. */
export interface NewCluster {
  /** Puts the template's files into an empty volume. */
  fill(volume: Volume): void
  /** Changes in a volume with the template's files what differs in each cluster. */
  change(volume: Volume, template: Template): void
}

/**
 * Opens the storage's cluster for a server.
 *
 * @param begin how to make a cluster if the storage has none
 * @param onLoss called once, when the storage has lost something that was written, or may lose it
 * @throws StartupError when the cluster is in use, damaged or of another version, or when the object has tables of the same names
 */
export function openObjectCluster(
  storage: ObjectStorage,
  module: ServerModule,
  begin: NewCluster,
  onLoss: (loss: Loss) => void = () => {},
): ObjectCluster {
  const { sql } = storage
  const found = findTables(storage)
  if (found.size === 0) {
    // In one transaction, so that the storage has the whole cluster or nothing of it.
    storage.transactionSync(() => makeCluster(storage, module, begin))
  } else checkTables(sql, found)
  const { opened, store, nameless } = openVolume(storage, templateIn(sql, module), onLoss)
  const control = checkCluster(opened.files(), WORDS)
  const release = take(sql)
  for (const node of nameless) store.free(node)
  // A backup leaves this table behind when its object is evicted.
  sql.exec(`drop table if exists ${BACKUP}`)
  return {
    volume: opened,
    durable: () => store.durable(),
    look: () => store.look(),
    snapshot: () => snapshotOf(store, opened),
    walSegmentSize: walSegmentSize(control),
    release,
  }
}

/**
 * Opens the storage's cluster for an export: until `release` is called, no server can use it.
 *
 * @throws StartupError as openObjectCluster() does
 */
export function openForExport(storage: ObjectStorage): { readonly files: FileLayer; release(): void } {
  const { sql } = storage
  const found = findTables(storage)
  if (found.size === 0) throw new StartupError("the object's storage has no cluster")
  checkTables(sql, found)
  const { opened } = openVolume(storage, templateIn(sql))
  checkCluster(opened.files(), WORDS)
  return { files: opened.files(), release: take(sql) }
}

interface OpenVolume {
  readonly opened: Volume
  readonly store: ObjectStore
  readonly nameless: readonly Node[]
}

/** @param template the template on which the files lean, if they do */
function openVolume(
  storage: ObjectStorage,
  template: Template | undefined,
  onLoss?: (loss: Loss) => void,
): OpenVolume {
  const { sql } = storage
  const { kept, nameless, leaning } = understood(() => {
    const files = keptFiles(sql, template)
    return { ...files, leaning: template && leaningOn(template, sql, files.inodes) }
  }, WORDS)
  const store = new ObjectStore(storage, leaning, onLoss)
  return { opened: volume(store, kept), store, nameless }
}

/** The template on which the cluster in a storage leans, if it does. */
function templateIn(sql: ObjectSql, module?: ServerModule): Template | undefined {
  const leans = () => serverIn(sql)?.format === LEANING_FORMAT
  return understood(() => (leans() ? keptTemplate(sql, module) : undefined), WORDS)
}

function leaningOn(template: Template, sql: ObjectSql, inodes: ReadonlySet<number>): Leaning {
  const leaning = new Leaning(template)
  leaning.load(sql, inodes)
  return leaning
}

function makeCluster(storage: ObjectStorage, module: ServerModule, { fill, change }: NewCluster): void {
  const { sql } = storage
  const template = templateOf(module)
  if (template === undefined) {
    fill(emptyVolume(storage))
    finish(sql, FORMAT)
  } else {
    change(volumeOnTemplate(storage, template, module.archive!), template)
    finish(sql, LEANING_FORMAT)
  }
}

/** Makes the tables of a cluster with all files of a template. Until finish() is called, no server uses them. */
function volumeOnTemplate(
  storage: ObjectStorage,
  template: Template,
  archive: NonNullable<ServerModule['archive']>,
): Volume {
  const { sql } = storage
  sql.exec(SERVER_TABLE)
  for (const definition of [...Object.values(TABLES), ...Object.values(TEMPLATE_TABLES)]) sql.exec(definition)
  keepTemplate(sql, archive)
  return openVolume(storage, template).opened
}

function snapshotOf(store: ObjectStore, opened: Volume): ClusterSnapshot {
  const snapshot = store.snapshot(opened.copyOfTree())
  return {
    files: volume(snapshot, snapshot.tree).files(),
    check() {
      snapshot.check()
      if (!store.intact) throw new Error('the storage has lost writes of the server')
    },
    fail: error => snapshot.fail(error),
    end: () => snapshot.end(),
  }
}

/**
 * Fills a storage with a cluster that arrives piece by piece. If that ends early for any reason, the storage has no cluster.
 *
 * @param fill puts the cluster's files into an empty directory
 * @param module the cluster leans on this module's template; without it, on none
 * @throws StartupError when the storage has a cluster already, or the server cannot use the one that has arrived
 */
export async function fillObjectCluster(
  storage: ObjectStorage,
  fill: (files: FileLayer) => Promise<void>,
  module?: ServerModule,
): Promise<void> {
  const { sql } = storage
  if (findTables(storage).size > 0)
    throw new StartupError("the object's storage has a cluster already: import into another object")
  filling.add(sql)
  try {
    const template = module && templateOf(module)
    let opened: Volume
    if (template === undefined) {
      opened = emptyVolume(storage)
      await fill(opened.files())
    } else {
      opened = volumeOnTemplate(storage, template, module!.archive!)
      const { files, complete } = filesOnTemplate(opened.files())
      await fill(files)
      complete()
    }
    checkCluster(opened.files(), WORDS)
    finish(sql, template === undefined ? FORMAT : LEANING_FORMAT)
    await storage.sync()
  } catch (error) {
    dropTables(storage)
    throw error
  } finally {
    filling.delete(sql)
  }
}

/** The storages that an import fills at the moment. */
const filling = new WeakSet<ObjectSql>()

/** Makes the tables, and an empty root directory. Until finish() is called, no server uses them. */
function emptyVolume(storage: ObjectStorage): Volume {
  storage.sql.exec(SERVER_TABLE)
  for (const definition of Object.values(TABLES)) storage.sql.exec(definition)
  makeRoot(storage.sql)
  return openVolume(storage, undefined).opened
}

function finish(sql: ObjectSql, format: number): void {
  sql.exec(`insert into ${SERVER} values (?, '')`, format)
}

function dropTables(storage: ObjectStorage): void {
  storage.transactionSync(() => {
    for (const name of [SERVER, BACKUP, ...NAMES]) storage.sql.exec(`drop table if exists ${name}`)
  })
}

/** Marks the cluster as in use by this server; returns a function that takes the mark away. */
function take(sql: ObjectSql): () => void {
  const id = crypto.randomUUID()
  sql.exec(`update ${SERVER} set id = ?`, id)
  running.set(id, requireThisRequest())
  return () => running.delete(id)
}

/** Finds the cluster's tables; drops those of an import that ended early because its object was evicted. */
function findTables(storage: ObjectStorage): Map<string, string> {
  if (filling.has(storage.sql))
    throw new StartupError("an import into the object's storage is under way", 'EBUSY')
  const found = understood(() => definitionsIn(storage.sql), WORDS)
  if (found.size === 0) return found
  checkOwnership(found)
  if (understood(() => serverIn(storage.sql), WORDS) !== undefined) return found
  dropTables(storage)
  return new Map()
}

/** The definitions of the tables that have the names of a cluster's tables. */
function definitionsIn(sql: ObjectSql): Map<string, string> {
  const names = [SERVER, BACKUP, ...NAMES]
  const list = names.map(() => '?').join(', ')
  const rows = sql.exec(`select name, sql from sqlite_master where name in (${list})`, ...names)
  return new Map([...rows].map(row => [row.name as string, row.sql as string]))
}

function checkOwnership(found: ReadonlyMap<string, string>): void {
  const ours = found.get(SERVER) === SERVER_TABLE
  if (ours && [undefined, BACKUP_TABLE].includes(found.get(BACKUP))) return
  const [name] = ours ? [BACKUP] : found.has(SERVER) ? [SERVER] : found.keys()
  throw new StartupError(
    `the object's storage has a table "${name}" that was not made by this server: drop or rename it, or take another object for the database`,
  )
}

function serverIn(sql: ObjectSql): SqlRow | undefined {
  return sql.exec(`select format, id from ${SERVER}`).toArray()[0]
}

function isRunning(id: string): boolean {
  try {
    running.get(id)?.()
    return running.has(id)
  } catch {
    running.delete(id)
    return false
  }
}

function checkTables(sql: ObjectSql, found: ReadonlyMap<string, string>): void {
  const server = serverIn(sql)!
  if (server.format !== FORMAT && server.format !== LEANING_FORMAT) {
    throw new StartupError(
      `the object's storage has the format ${server.format} of a later version, this one knows ${LEANING_FORMAT}: use that version, or a later one`,
    )
  }
  if (isRunning(server.id as string))
    throw new StartupError("the object's storage is in use by another server in this object", 'EBUSY')
  const tables = server.format === FORMAT ? TABLES : { ...TABLES, ...TEMPLATE_TABLES }
  for (const [name, definition] of Object.entries(tables))
    if (found.get(name) !== definition) throw damaged(`table "${name}" is missing or has been changed`, WORDS)
}
