/** A tab's connections to the tab that owns the cluster. */
import type { Duplex } from 'node:stream'
import { type BackendEnd, InProcessSocket } from '../wasm/cluster/in-process.js'
import { take, watch } from './locks.js'
import { type Announcement, type ConnectionMessage, data, type Failure, WINDOW } from './messages.js'
import type { Names } from './names.js'

/** SQLSTATE admin_shutdown, as PostgreSQL's own when a server ends. */
const OWNER_GONE: Failure = {
  code: '57P01',
  message:
    'terminating connection because the tab that ran the server has gone: connect again, all that was committed is there',
}

interface Connection {
  readonly stream: Duplex
  /** The owner's id, when it has answered. */
  owner?: string
  ask(): void
  fail(error: Error): void
}

export class Client {
  readonly #names: Names
  readonly #id = crypto.randomUUID()
  readonly #channel: BroadcastChannel
  /** Resolves when this client holds the lock that says that it lives, to a function that releases it. */
  readonly #living: Promise<() => void>
  readonly #connections = new Map<string, Connection>()
  readonly #owners = new Set<string>()
  readonly #ended = new AbortController()
  #failure: Error | undefined

  constructor(names: Names) {
    this.#names = names
    this.#channel = new BroadcastChannel(names.channel)
    this.#channel.onmessage = ({ data: { type } }: MessageEvent<Announcement>) => {
      if (type === 'owner') this.#askAgain()
    }
    this.#living = take(names.life(this.#id))
  }

  /** Opens a connection, which waits for an owner if there is none. */
  connect(): Duplex {
    const stream: InProcessSocket = new InProcessSocket(() => this.#open(stream))
    return stream
  }

  /** Ends all connections with this error, and those that begin later. */
  fail(error: Error): void {
    this.#failure = error
    for (const connection of this.#connections.values()) connection.fail(error)
  }

  /** Ends all connections. */
  end(): void {
    this.fail(Object.assign(new Error('this tab has left the cluster'), { code: 'ECONNREFUSED' }))
    this.#ended.abort()
    this.#channel.close()
    void this.#living.then(release => release())
  }

  async #open(stream: Duplex): Promise<BackendEnd> {
    // Its owner would take a client that does not hold its lock for dead.
    await this.#living
    if (this.#failure !== undefined) throw this.#failure
    const id = crypto.randomUUID()
    const channel = new BroadcastChannel(this.#names.connection(id))
    return new Promise((resolve, reject) => {
      const connection: Connection = {
        stream,
        ask: () => this.#announce({ type: 'connect', client: this.#id, connection: id }),
        fail: error => {
          reject(error)
          stream.destroy(error)
        },
      }
      this.#connections.set(id, connection)
      stream.once('close', () => this.#connections.delete(id))
      channel.onmessage = ({ data: message }: MessageEvent<ConnectionMessage>) => {
        if (message.type !== 'open') return
        connection.owner = message.owner
        this.#watch(message.owner)
        resolve(new FarBackend(channel, connection))
      }
      connection.ask()
    })
  }

  #askAgain(): void {
    for (const connection of this.#connections.values()) if (connection.owner === undefined) connection.ask()
  }

  #announce(announcement: Announcement): void {
    this.#channel.postMessage(announcement)
  }

  #watch(owner: string): void {
    if (this.#owners.has(owner)) return
    this.#owners.add(owner)
    watch(this.#names.life(owner), this.#ended.signal, () => {
      this.#owners.delete(owner)
      for (const connection of this.#connections.values())
        if (connection.owner === owner) connection.fail(errorOf(OWNER_GONE))
    })
  }
}

function errorOf({ message, code }: Failure): Error {
  return Object.assign(new Error(message), { code })
}

const nothing = () => {}

/** The backend's end of a connection, in another tab. */
class FarBackend implements BackendEnd {
  onOutput: () => void = nothing
  onSpace: () => void = nothing
  onClose: () => void = nothing
  readonly #channel: BroadcastChannel
  readonly #output: Uint8Array[] = []
  /** Bytes that the owner has not passed on to the backend. */
  #sent = 0
  #full = false

  constructor(channel: BroadcastChannel, connection: Connection) {
    this.#channel = channel
    channel.onmessage = ({ data: message }: MessageEvent<ConnectionMessage>) => {
      if (message.type === 'data') {
        this.#output.push(message.bytes)
        this.onOutput()
      } else if (message.type === 'taken') this.#taken(message.count)
      else if (message.type === 'closed') {
        if (message.failure === undefined) this.onClose()
        else connection.fail(errorOf(message.failure))
      }
    }
  }

  setInput(bytes: Uint8Array): boolean {
    this.#post(data(bytes))
    this.#sent += bytes.length
    this.#full = this.#sent >= WINDOW
    return !this.#full
  }

  endInput(): void {
    this.#post({ type: 'end' })
  }

  reset(): void {
    this.#post({ type: 'reset' })
  }

  *getOutput(): Generator<Uint8Array> {
    for (;;) {
      const bytes = this.#output.shift()
      if (bytes === undefined) return
      this.#post({ type: 'taken', count: bytes.length })
      yield bytes
    }
  }

  release(): void {
    this.#channel.close()
  }

  #taken(count: number): void {
    this.#sent -= count
    if (!this.#full || this.#sent >= WINDOW) return
    this.#full = false
    this.onSpace()
  }

  #post(message: ConnectionMessage): void {
    this.#channel.postMessage(message)
  }
}
