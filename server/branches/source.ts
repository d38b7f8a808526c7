/** What a cluster is copied from: the files of another, or a server, while it runs. */
import type { Duplex } from 'node:stream'
import type { QueryResult } from 'pg'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import type { FileGate } from '../../wasm/node/file-gate.js'
import { copyFiles } from '../data-directory/cluster-files.js'
import type { DataDirectory } from '../data-directory/data-directory.js'
import type { StartServerOptions } from '../options.js'

/** The files of a cluster for a server that begins as a copy of it. */
export interface ClusterSource {
  /** A data directory with the same configuration files. */
  readonly path: string
  /** Puts the files into an empty directory. */
  copy(directory: string): Promise<void>
}

/** What is needed of the server. */
export interface RunningSource {
  readonly directory: DataDirectory
  readonly gate: FileGate
  readonly options: StartServerOptions
  /** Makes a connection to it. */
  connect(): Duplex
  /** A superuser; PGPASSWORD has its password if pg_hba.conf demands one for local connections. */
  readonly user: string
}

/**
 * Copies the cluster as it is at this moment. A checkpoint comes first: then all that was committed is in the files, and a server that
 * starts on the copy has little to recover. The moment itself is when no process is changing a file.
 *
 * @param share whether files may be shared with the copy: see CopyOptions
 * @throws StartupError in PostgreSQL's words, when the server is a standby, or when it has stopped
 */
export async function copyAtMoment(source: RunningSource, target: string, share: boolean): Promise<void> {
  const firstSegment = await checkpoint(source)
  const { gate, directory } = source
  await gate.aloneInMain(() => {
    copyFiles(directory.path, target, { share, firstSegment })
    gate.sharedAll()
  })
}

/** In one message. A standby makes a restartpoint, which does no harm. */
const CHECKPOINT = `select pg_is_in_recovery() as standby; checkpoint;
  select redo_wal_file as name from pg_control_checkpoint()`

/** Returns the name of the WAL segment from which recovery begins. */
async function checkpoint(source: RunningSource): Promise<string> {
  try {
    return await checkpointIn(source)
  } catch (error) {
    throw new StartupError((error as Error).message, errorCode(error))
  }
}

async function checkpointIn({ connect, user }: RunningSource): Promise<string> {
  const { default: pg } = await import('pg')
  // node-postgres' types lack this.
  const stream: object = { stream: connect }
  const client = new pg.Client({
    ...{ ...stream, user, database: 'postgres', application_name: 'pglite-imports-server' },
  })
  client.on('error', () => {})
  await client.connect()
  try {
    // node-postgres' types know one result only.
    const [standby, , control] = (await client.query(CHECKPOINT)) as unknown as QueryResult[]
    if (standby!.rows[0].standby)
      throw new StartupError('a standby has no branches: make one of its primary, or promote the standby')
    return control!.rows[0].name as string
  } finally {
    // The copy need not wait until the session has ended.
    client.end().catch(() => {})
  }
}
