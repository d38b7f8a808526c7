import { DurableObject } from 'cloudflare:workers'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { Hono } from 'hono'
import pg from 'pg'
import { createPostgres, type Postgres } from 'pglite-imports-server/workers'
import module from 'pglite-imports-server/workers/module'
import guestsTable from './migrations/1_guests.sql?raw'
import { guests } from './schema.js'

/** Each is executed once. */
const files = { '1_guests': guestsTable }

interface Environment {
  readonly DATABASE: { getByName(name: string): { fetch(request: Request): Promise<Response> } }
  /** The superuser's, for clients from outside: `wrangler secret put POSTGRES_PASSWORD`, or .dev.vars here. */
  readonly POSTGRES_PASSWORD?: string
}

interface Server {
  readonly postgres: Postgres
  readonly database: NodePgDatabase
}

/** Your application. */
const application = new Hono<{ Bindings: Server }>()
  .get('/guests', async context =>
    context.json(await context.env.database.select().from(guests).orderBy(guests.id)),
  )
  .post('/guests', async context => {
    const { name } = await context.req.json<{ name: string }>()
    const [added] = await context.env.database.insert(guests).values({ name }).returning()
    return context.json(added, 201)
  })

/** A PostgreSQL server that keeps its cluster in the storage of its object. */
export class Database extends DurableObject<Environment> {
  #server: Promise<Server> | undefined

  override async fetch(request: Request): Promise<Response> {
    const server = await this.#running()
    // psql, Prisma and the like, by WebSocket; PostgreSQL asks for their password.
    if (request.headers.get('Upgrade') === 'websocket') return server.postgres.fetch(request)
    return application.fetch(request, server)
  }

  /** Starts the server when the first request comes; if that fails, the next one tries again. */
  #running(): Promise<Server> {
    this.#server ??= this.#start().catch(error => {
      this.#server = undefined
      throw error
    })
    return this.#server
  }

  async #start(): Promise<Server> {
    const password = this.env.POSTGRES_PASSWORD
    const { storage } = this.ctx
    const postgres = await createPostgres({ module, storage, password, migrations: { files } })
    void postgres.exited.then(() => {
      this.#server = undefined
    })
    // Sessions that are not used for a second are closed, so that the server can be suspended.
    const pool = new pg.Pool({
      stream: () => postgres.connect(),
      user: 'postgres',
      max: 4,
      idleTimeoutMillis: 1000,
    })
    pool.on('error', error => console.error(error))
    return { postgres, database: drizzle(pool) }
  }
}

export default {
  fetch(request: Request, { DATABASE }: Environment): Promise<Response> {
    return DATABASE.getByName('main').fetch(request)
  },
}
