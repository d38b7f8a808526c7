/**
 * The command BASE_BACKUP of the replication protocol, by node-postgres
 * (postgresql.org/docs/18/protocol-replication.html#PROTOCOL-REPLICATION-BASE-BACKUP).
 */
import { Readable } from 'node:stream'
import type { Connection } from 'pg'

/** The server sends an archive with its data, further archives, then the manifest with its data. Progress may come between any two. */
export type BackupMessage =
  | { readonly type: 'archive'; readonly name: string; readonly location: string }
  | { readonly type: 'manifest' }
  | { readonly type: 'data'; readonly data: Buffer }
  | { readonly type: 'progress'; readonly bytes: number }

/** How many messages may wait to be read before the socket is paused, so that the server waits. */
const WAITING = 32

export class BackupCommand {
  /** Ends with the backup; fails with the server's error. */
  readonly messages: Readable
  /** Rows of the results before the archives: where the backup begins, then the tablespaces. */
  readonly results: (string | null)[][][] = []
  /** The error that ended the backup, or kept it from beginning. */
  failure: Error | undefined
  readonly #text: string
  #socket: Readable | undefined

  constructor(text: string) {
    this.#text = text
    this.messages = new Readable({
      objectMode: true,
      highWaterMark: WAITING,
      read: () => void this.#socket?.resume(),
    })
  }

  // node-postgres calls the following methods.

  submit(connection: Connection): void {
    this.#socket = (connection as unknown as { stream: Readable }).stream
    connection.query(this.#text)
  }

  handleRowDescription(): void {
    this.results.push([])
  }

  handleDataRow({ fields }: { fields: (string | null)[] }): void {
    this.results.at(-1)!.push(fields)
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    const message = decoded(chunk)
    if (message !== undefined && !this.messages.push(message)) this.#socket!.pause()
  }

  handleCommandComplete(): void {}

  handleError(error: Error): void {
    this.failure = error
    this.messages.destroy(error)
  }

  handleReadyForQuery(): void {
    this.messages.push(null)
  }
}

function decoded(chunk: Buffer): BackupMessage | undefined {
  switch (String.fromCharCode(chunk[0]!)) {
    case 'n': {
      const [name = '', location = ''] = chunk.toString('utf8', 1).split('\0')
      return { type: 'archive', name, location }
    }
    case 'm':
      return { type: 'manifest' }
    case 'd':
      // node-postgres will use the memory for what comes next.
      return { type: 'data', data: Buffer.from(chunk.subarray(1)) }
    case 'p':
      return { type: 'progress', bytes: Number(chunk.readBigInt64BE(1)) }
    default:
      return undefined
  }
}
