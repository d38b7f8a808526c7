/**
 * Takes a base backup of a running server, native or this one, into a data directory: a copy of its cluster as it is when the copy ends,
 * with the WAL that makes it consistent.
 *
 * Meanwhile a temporary replication slot keeps this WAL on the server. Tablespaces lie inside the copy, as directories in pg_tblspc.
 */
import { once } from 'node:events'
import { createWriteStream, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from 'pg'
import { importFiles } from '../../wasm/cluster/cluster-archive.js'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { nodeFiles } from '../../wasm/node/files.js'
import { posixPath } from '../../wasm/node/paths.js'
import { BackupCommand, type BackupMessage } from './messages.js'

/** How a base backup is taken. */
export interface BackupOptions {
  /** kB each second at most. Default: as fast as it goes. */
  readonly maxRate?: number | undefined
  /** Is called with the number of bytes that have arrived, and an estimate of the total. */
  readonly onProgress?: ((received: number, total: number) => void) | undefined
}

/** Files that only the original server may have: a server on the copy would act on them. */
const LEFT_OUT = ['standby.signal', 'recovery.signal']

/**
 * @param directory an empty one
 * @throws StartupError in the server's words when it refuses; or the error of the file system, for example ENOSPC
 */
export async function takeBaseBackup(
  client: Client,
  directory: string,
  { maxRate, onProgress = () => {} }: BackupOptions,
): Promise<void> {
  const options = [
    ...["LABEL 'pglite-imports-server clone'", "CHECKPOINT 'fast'", 'PROGRESS', 'WAL', "MANIFEST 'yes'"],
    ...(maxRate === undefined ? [] : [`MAX_RATE ${maxRate}`]),
  ]
  const command = new BackupCommand(`BASE_BACKUP (${options.join(', ')})`)
  const refused = (error: Error) => new StartupError(`the server gives no base backup: ${error.message}`)
  await client
    .query(`CREATE_REPLICATION_SLOT clone_${process.pid}_${Date.now()} TEMPORARY PHYSICAL (RESERVE_WAL)`)
    .catch(error => Promise.reject(refused(error)))
  try {
    client.query(command)
    await new Receiver(command, directory, onProgress).receive()
  } catch (error) {
    throw command.failure === undefined ? error : refused(command.failure)
  }
  for (const name of LEFT_OUT) rmSync(join(directory, name), { force: true })
}

class Receiver {
  readonly #messages: AsyncIterator<BackupMessage>
  /** A message that is no part of the current archive, but belongs to none or to the next. */
  #message: BackupMessage | undefined
  #received = 0

  constructor(
    readonly command: BackupCommand,
    readonly directory: string,
    readonly onProgress: (received: number, total: number) => void,
  ) {
    this.#messages = command.messages[Symbol.asyncIterator]()
  }

  async receive(): Promise<void> {
    await this.#next()
    while (this.#message !== undefined) {
      const message = this.#message
      if (message.type === 'archive') await this.#unpack(message.name)
      else if (message.type === 'manifest') await this.#writeManifest()
      else await this.#next()
    }
  }

  /** The total is known when the first archive comes. */
  get #total(): number {
    const [, tablespaces = []] = this.command.results
    return tablespaces.reduce((sum, [, , size]) => sum + Number(size) * 1024, 0)
  }

  async #next(): Promise<void> {
    const { done, value } = await this.#messages.next()
    this.#message = done ? undefined : value
    if (this.#message?.type === 'data') this.#received += this.#message.data.length
    else if (this.#message?.type !== 'progress') return
    this.onProgress(this.#received, Math.max(this.#total, this.#received))
  }

  /** The bytes up to the next archive, the manifest or the end. */
  async #data(): Promise<Buffer | undefined> {
    do await this.#next()
    while (this.#message?.type === 'progress')
    return this.#message?.type === 'data' ? this.#message.data : undefined
  }

  /** @param name base.tar, or the OID of a tablespace and .tar */
  async #unpack(name: string): Promise<void> {
    const tablespace = /^(\d+)\.tar$/.exec(name)?.[1]
    const target = join(this.directory, tablespace === undefined ? '' : join('pg_tblspc', tablespace))
    // The server sends the archives of tablespaces first.
    mkdirSync(target, { recursive: true, mode: 0o700 })
    const archive = new ReadableStream<Uint8Array>({
      pull: async controller => {
        const data = await this.#data()
        if (data === undefined) controller.close()
        else controller.enqueue(data)
      },
    })
    await importFiles(nodeFiles(), posixPath(target), archive, true)
  }

  async #writeManifest(): Promise<void> {
    const file = createWriteStream(join(this.directory, 'backup_manifest'), { mode: 0o600 })
    const written = once(file, 'close')
    for (let data = await this.#data(); data !== undefined; data = await this.#data()) file.write(data)
    file.end()
    await written
  }
}
