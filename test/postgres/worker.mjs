/** The server under test in a Durable Object: started and stopped by POST, reached by WebSocket. */
import { DurableObject } from 'cloudflare:workers'
import { createPostgres } from 'pglite-imports-server/workers'
import module from 'pglite-imports-server/workers/module'

export class Database extends DurableObject {
  #postgres

  async fetch(request) {
    if (request.method !== 'POST') return (await this.#postgres).fetch(request)
    if (new URL(request.url).pathname === '/stop') {
      const postgres = await this.#postgres
      await postgres.stop()
      return new Response(String(await postgres.exited))
    }
    const { password, settings } = await request.json()
    const log = text => console.log(text.trimEnd())
    this.#postgres = createPostgres({ module, storage: this.ctx.storage, password, settings, log })
    await this.#postgres
    return new Response('started')
  }
}

export default {
  fetch: (request, { DATABASE }) => DATABASE.get(DATABASE.idFromName('suites')).fetch(request),
}
