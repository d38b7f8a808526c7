/** The tab that owns a cluster: it runs the server, and connects the clients of other tabs to it. */
import type { Duplex } from 'node:stream'
import type { EmbeddedPostgres } from '../embedded/server.js'
import { take, watch } from './locks.js'
import { type Announcement, type ConnectionMessage, data, WINDOW } from './messages.js'
import type { Names } from './names.js'

interface Connection {
  readonly client: string
  readonly stream: Duplex
}

export class Owner {
  readonly #names: Names
  readonly #id: string
  readonly #channel: BroadcastChannel
  readonly #connections = new Map<string, Connection>()
  readonly #clients = new Set<string>()
  readonly #ended = new AbortController()

  /** Takes clients from now on. */
  static async begin(names: Names, server: EmbeddedPostgres): Promise<Owner> {
    const id = crypto.randomUUID()
    return new Owner(names, server, id, await take(names.life(id)))
  }

  private constructor(
    names: Names,
    readonly server: EmbeddedPostgres,
    id: string,
    readonly release: () => void,
  ) {
    this.#names = names
    this.#id = id
    this.#channel = new BroadcastChannel(names.channel)
    this.#channel.onmessage = ({ data: announcement }: MessageEvent<Announcement>) => {
      if (announcement.type === 'connect') this.#connect(announcement.client, announcement.connection)
    }
    this.#channel.postMessage({ type: 'owner' } satisfies Announcement)
  }

  /** Stops the server. The connections of other tabs end as PostgreSQL ends them. */
  async end(): Promise<void> {
    this.#channel.close()
    this.#ended.abort()
    await this.server.stop()
    this.release()
  }

  #connect(client: string, id: string): void {
    // A client asks again when it has no answer yet.
    if (this.#connections.has(id)) return
    const stream = this.server.connect()
    this.#connections.set(id, { client, stream })
    stream.on('close', () => this.#connections.delete(id))
    serve(stream, new BroadcastChannel(this.#names.connection(id)), this.#id)
    this.#watch(client)
  }

  #watch(client: string): void {
    if (this.#clients.has(client)) return
    this.#clients.add(client)
    watch(this.#names.life(client), this.#ended.signal, () => {
      this.#clients.delete(client)
      for (const connection of this.#connections.values())
        if (connection.client === client) connection.stream.destroy()
    })
  }
}

/** Passes on what comes from a backend and from its client in another tab. */
function serve(stream: Duplex, channel: BroadcastChannel, owner: string): void {
  const post = (message: ConnectionMessage) => channel.postMessage(message)
  let failure: (Error & { code?: string }) | undefined
  /** Bytes that the client has not taken. */
  let sent = 0
  stream.on('data', bytes => {
    post(data(bytes))
    sent += bytes.length
    if (sent >= WINDOW) stream.pause()
  })
  stream.on('error', error => {
    failure = error
  })
  stream.on('close', () => {
    post({ type: 'closed', failure: failure && { message: failure.message, code: failure.code } })
    channel.close()
  })
  channel.onmessage = ({ data: message }: MessageEvent<ConnectionMessage>) => {
    switch (message.type) {
      case 'data':
        stream.write(message.bytes, () => post({ type: 'taken', count: message.bytes.length }))
        break
      case 'taken':
        sent -= message.count
        if (sent < WINDOW) stream.resume()
        break
      case 'end':
        stream.end()
        break
      case 'reset':
        stream.destroy()
        break
    }
  }
  post({ type: 'open', owner })
}
