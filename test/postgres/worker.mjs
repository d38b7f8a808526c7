/** The server under test in a Durable Object: started and stopped by POST, reached by WebSocket. */
import { DurableObject } from 'cloudflare:workers'
import { createPostgres } from 'pglite-imports-server/workers'
import module from 'pglite-imports-server/workers/module'

/** Parallel workers, and the memory for them, which a Worker has not: the suites are about what works, not about how much of it. */
const LARGE = { max_worker_processes: 8, max_parallel_workers: 8 }
const MAX_MEMORY = 512 * 2 ** 20

export class Database extends DurableObject {
  #postgres

  async fetch(request) {
    if (request.method !== 'POST') return (await this.#postgres).fetch(request)
    if (new URL(request.url).pathname === '/stop') {
      const postgres = await this.#postgres
      await postgres.stop()
      return new Response(String(await postgres.exited))
    }
    const { password, ...given } = await request.json()
    const settings = { ...LARGE, ...given.settings }
    const log = text => console.log(text.trimEnd())
    const { storage } = this.ctx
    this.#postgres = createPostgres({ module, storage, password, settings, maxMemory: MAX_MEMORY, log })
    await this.#postgres
    return new Response('started')
  }
}

export default {
  fetch: (request, { DATABASE }) => DATABASE.get(DATABASE.idFromName('suites')).fetch(request),
}
