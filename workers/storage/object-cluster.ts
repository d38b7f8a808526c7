/**
 * Opens the cluster in a Durable Object's storage, makes one from the template if there is none, or refuses one that the server cannot
 * use. The storage belongs to the object and can have any other tables. Opening writes nothing before all checks have succeeded.
 */

import type { ClusterSnapshot } from '../../embedded/host.js'
import { checkCluster, damaged, type StorageWords, understood } from '../../wasm/cluster/cluster-check.js'
import { walSegmentSize } from '../../wasm/cluster/control-file.js'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { type Volume, volume } from '../../wasm/machine/volume/volume.js'
import { requireThisRequest } from '../request.js'
import type { Loss } from './changes.js'
import type { ObjectSql, ObjectStorage, SqlRow } from './object-storage.js'
import { ObjectStore } from './object-store.js'
import { BACKUP, BACKUP_TABLE, createTables, keptFiles, TABLES } from './tables.js'

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

/** The version of the tables' definitions in tables.ts. */
const FORMAT = 1

/** The table that says which format the tables have, and which server used them last. */
const SERVER = 'postgres_server'
const SERVER_TABLE = `CREATE TABLE ${SERVER} (format INTEGER, id TEXT)`

/**
 * The running servers by their ids, each with a function that throws once the server's object is gone. An object is in one isolate at a
 * time, so all servers that could share a storage are in this map. The isolate outlives an evicted object, so servers that no longer run
 * are in it as well.
 */
const running = new Map<string, () => void>()

/**
 * Opens the storage's cluster for a server.
 *
 * @param fill puts a new cluster's files into an empty volume, if the storage has no cluster
 * @param onLoss called once, when the storage has lost something that was written, or may lose it
 * @throws StartupError when the cluster is in use, damaged or of another version, or when the object has tables of the same names
 */
export function openObjectCluster(
  storage: ObjectStorage,
  fill: (volume: Volume) => void,
  onLoss: (loss: Loss) => void = () => {},
): ObjectCluster {
  const { sql } = storage
  const found = findTables(storage)
  if (found.size === 0) {
    // In one transaction, so that the storage has the whole cluster or nothing of it.
    storage.transactionSync(() => {
      fill(emptyVolume(storage))
      finish(sql)
    })
  } else checkTables(sql, found)
  const { kept, nameless } = understood(() => keptFiles(sql), WORDS)
  const store = new ObjectStore(storage, onLoss)
  const opened = volume(store, kept)
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
 * @throws StartupError when the storage has a cluster already, or the server cannot use the one that has arrived
 */
export async function fillObjectCluster(
  storage: ObjectStorage,
  fill: (volume: Volume) => Promise<void>,
): Promise<void> {
  const { sql } = storage
  if (findTables(storage).size > 0)
    throw new StartupError("the object's storage has a cluster already: import into another object")
  filling.add(sql)
  try {
    const empty = emptyVolume(storage)
    await fill(empty)
    checkCluster(empty.files(), WORDS)
    finish(sql)
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

/** Makes the tables. Until finish() is called, no server uses them. */
function emptyVolume(storage: ObjectStorage): Volume {
  storage.sql.exec(SERVER_TABLE)
  createTables(storage.sql)
  return volume(new ObjectStore(storage), keptFiles(storage.sql).kept)
}

function finish(sql: ObjectSql): void {
  sql.exec(`insert into ${SERVER} values (?, '')`, FORMAT)
}

function dropTables(storage: ObjectStorage): void {
  storage.transactionSync(() => {
    for (const name of [SERVER, BACKUP, ...Object.keys(TABLES)])
      storage.sql.exec(`drop table if exists ${name}`)
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
  const names = [SERVER, BACKUP, ...Object.keys(TABLES)]
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
  if (server.format !== FORMAT) {
    throw new StartupError(
      `the object's storage has the format ${server.format} of a later version, this one knows ${FORMAT}: use that version, or a later one`,
    )
  }
  if (isRunning(server.id as string))
    throw new StartupError("the object's storage is in use by another server in this object", 'EBUSY')
  for (const [name, definition] of Object.entries(TABLES))
    if (found.get(name) !== definition) throw damaged(`table "${name}" is missing or has been changed`, WORDS)
}
