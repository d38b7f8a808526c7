/** A Worker that PostgreSQL's clients reach by TCP, as far as workerd lets them: an experiment of the runtime's. */
import { Duplex } from 'node:stream'
import { DurableObject } from 'cloudflare:workers'
import { createPostgres } from 'pglite-imports-server/workers'
import module from 'pglite-imports-server/workers/module'

export class Database extends DurableObject {
  #postgres

  async connect(socket) {
    this.#postgres ??= createPostgres({ module, storage: this.ctx.storage, log: text => console.log(text) })
    const backend = Duplex.toWeb((await this.#postgres).connect())
    await Promise.all([socket.readable.pipeTo(backend.writable), backend.readable.pipeTo(socket.writable)])
  }
}

export default {
  async connect(socket, { DATABASE }) {
    const database = DATABASE.get(DATABASE.idFromName('tcp')).connect('database:5432')
    await Promise.all([socket.readable.pipeTo(database.writable), database.readable.pipeTo(socket.writable)])
  },
}
