import { DurableObject } from 'cloudflare:workers'
import pg from 'pg'
import { createPostgres, type Postgres } from 'pglite-imports-server/workers'
import module from 'pglite-imports-server/workers/module'

interface Environment {
  readonly DATABASE: { getByName(name: string): { fetch(request: Request): Promise<Response> } }
  /** The superuser's, for clients from outside: `wrangler secret put POSTGRES_PASSWORD`, or .dev.vars here. */
  readonly POSTGRES_PASSWORD?: string
}

/** A PostgreSQL server that keeps its cluster in the storage of its object. */
export class Database extends DurableObject<Environment> {
  #postgres: Promise<Postgres> | undefined

  override async fetch(request: Request): Promise<Response> {
    const postgres = await this.#running()
    // psql, Prisma and the like, by WebSocket; PostgreSQL asks for their password.
    if (request.headers.get('Upgrade') === 'websocket') return postgres.fetch(request)
    // neon() of @neondatabase/serverless, and Drizzle on it, by HTTP.
    if (new URL(request.url).pathname === '/sql') return postgres.fetch(request)
    return this.#guestBook(postgres, request)
  }

  /** Starts the server when the first request comes; if that fails, the next one tries again. */
  #running(): Promise<Postgres> {
    this.#postgres ??= this.#start()
    return this.#postgres
  }

  async #start(): Promise<Postgres> {
    const password = this.env.POSTGRES_PASSWORD
    try {
      const postgres = await createPostgres({ module, storage: this.ctx.storage, password })
      void postgres.exited.then(() => {
        this.#postgres = undefined
      })
      return postgres
    } catch (error) {
      this.#postgres = undefined
      throw error
    }
  }

  /** What your application would do: GET shows the entries, POST adds one. */
  async #guestBook(postgres: Postgres, request: Request): Promise<Response> {
    const client = new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })
    await client.connect()
    try {
      await client.query('create table if not exists guests (id serial primary key, name text not null)')
      if (request.method === 'POST')
        await client.query('insert into guests (name) values ($1)', [await request.text()])
      const { rows } = await client.query('select id, name from guests order by id')
      return Response.json(rows)
    } finally {
      await client.end()
    }
  }
}

export default {
  fetch(request: Request, { DATABASE }: Environment): Promise<Response> {
    return DATABASE.getByName('main').fetch(request)
  },
}
