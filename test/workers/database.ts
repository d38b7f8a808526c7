/** The Worker under test: Durable Objects, each with a server, that do what tests ask for. */
import { DurableObject } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, serial, text } from 'drizzle-orm/pg-core'
import pg from 'pg'
import {
  createPGliteImportHandler,
  createPostgres,
  createPostgresModule,
  exportCluster,
  importCluster,
  type ObjectStorage,
  type Postgres,
  PostgresExit,
} from 'pglite-imports-server/workers'
import icu from 'pglite-imports-server/workers/icu'
import module from 'pglite-imports-server/workers/module'
import postgres from 'postgres'

/** What a test asks for. Sessions have names, and begin when they are first mentioned. */
export type Task =
  | { type: 'query'; session: string; sql: string }
  /** Sends a statement and waits for no answer; `result` does. */
  | { type: 'send'; session: string; sql: string }
  | { type: 'result'; session: string }
  /** Drops the connection in the middle of whatever it does. */
  | { type: 'drop'; session: string }
  /** Ends a session as clients do. */
  | { type: 'end'; session: string }
  | { type: 'notifications'; session: string }
  /** How many timers are set in the isolate. */
  | { type: 'timers' }
  /** One statement by postgres.js. */
  | { type: 'postgres.js'; sql: string }
  /** A table, a row and a transaction that is rolled back, by Drizzle on node-postgres. */
  | { type: 'drizzle' }
  | { type: 'memory' }
  /** Copies so much text into a new table. */
  | { type: 'copy'; table: string; megabytes: number }
  /** Takes so much text out, with a pause after each megabyte. */
  | { type: 'read slowly'; megabytes: number }
  /** A transaction in a session of the request's own, which it ends with it. */
  | { type: 'transaction'; statements: string[] }
  | { type: 'stop' }
  /** Ends the object, but not the isolate, without notice, as an eviction does. */
  | { type: 'abort' }
  /** One statement on the object's own storage. */
  | { type: 'storage'; sql: string }
  /** A hash of all that the storage has. */
  | { type: 'storage digest' }
  /** Statements in one session after the other of a server, as in a runtime that has no JSPI. */
  | { type: 'without JSPI'; sessions: string[][] }
  /** Query messages, run to completion by a module and its import handler. */
  | { type: 'to completion'; queries: string[] }
  /** Starts a second server on the storage of the first. */
  | { type: 'second' }
  /** Tries every way to generate code; returns those that work. */
  | { type: 'generate code' }

export type Answer = { result: unknown } | { error: { message: string; code?: string } }

interface Session {
  readonly client: pg.Client
  readonly notifications: unknown[]
  sent?: Promise<Answer>
}

/** The superuser's, for clients that come by WebSocket. */
const PASSWORD = "it's a \\ 'secret'"

interface Environment {
  readonly DATABASE: DurableObjectNamespace<Database>
}

/** A session by node-postgres. */
async function connect(server: Postgres): Promise<pg.Client> {
  const client = new pg.Client({ stream: () => server.connect(), user: 'postgres' })
  await client.connect()
  return client
}

/** A session by postgres.js, whose types do not know that it can be given a socket. */
function postgresJs(server: Postgres): postgres.Sql {
  const options = { socket: () => server.connect(), user: 'postgres', max: 1 }
  return postgres(options as postgres.Options<Record<string, never>>)
}

async function throughDrizzle(server: Postgres): Promise<unknown> {
  const client = await connect(server)
  const users = pgTable('users', { id: serial('id').primaryKey(), name: text('name').notNull() })
  const database = drizzle(client)
  await database.execute('create table users (id serial primary key, name text not null)')
  await database.insert(users).values({ name: 'kept' })
  const rolledBack = database.transaction(async transaction => {
    await transaction.insert(users).values({ name: 'rolled back' })
    transaction.rollback()
  })
  await rolledBack.catch(() => {})
  const rows = await database.select().from(users)
  await client.end()
  return rows
}

/** Rows of 100 bytes. */
async function copyInto(server: Postgres, table: string, bytes: number): Promise<number> {
  const sql = postgresJs(server)
  await sql.unsafe(`create table ${table} (id int, filler text)`)
  const target = await sql.unsafe(`copy ${table} from stdin`).writable()
  const rows = Math.ceil(bytes / 100)
  for (let id = 0; id < rows; id++) {
    const row = `${id}\t`.padEnd(99, 'x')
    if (!target.write(`${row}\n`)) await new Promise<void>(resolve => target.once('drain', () => resolve()))
  }
  await new Promise<void>((resolve, reject) => target.once('error', reject).end(() => resolve()))
  const [row] = await sql.unsafe(`select count(*)::int from ${table}`)
  await sql.end()
  return row!.count as number
}

/** Milliseconds of each pause of a slow reader. */
const PAUSE = 10

/** Returns the bytes that came. */
async function readSlowly(server: Postgres, megabytes: number): Promise<number> {
  const sql = postgresJs(server)
  const rows = `select repeat('x', 1023) from generate_series(1, ${megabytes << 10})`
  let bytes = 0
  let paused = 0
  for await (const chunk of await sql.unsafe(`copy (${rows}) to stdout`).readable()) {
    bytes += chunk.length
    if (bytes - paused < 1 << 20) continue
    paused = bytes
    await new Promise(resolve => setTimeout(resolve, PAUSE))
  }
  await sql.end()
  return bytes
}

async function transaction(server: Postgres, statements: readonly string[]): Promise<null> {
  const client = await connect(server)
  try {
    for (const sql of ['begin', ...statements, 'commit']) await client.query(sql)
  } finally {
    await client.end()
  }
  return null
}

/** Those that are set now. */
const timers = new Set<unknown>()
const { setTimeout: set, clearTimeout: clear } = globalThis
globalThis.setTimeout = ((call: () => void, ms?: number) => {
  const timer = set(() => {
    timers.delete(timer)
    call()
  }, ms)
  timers.add(timer)
  return timer
}) as typeof setTimeout
globalThis.clearTimeout = timer => {
  timers.delete(timer)
  clear(timer)
}

async function settled(rows: Promise<unknown>): Promise<Answer> {
  try {
    return { result: await rows }
  } catch (error) {
    const { message, code } = error as Error & { code?: string }
    return { error: { message, ...(code !== undefined && { code }) } }
  }
}

export class Database extends DurableObject<Environment> {
  #durable = false
  #collations = false
  #maxSize: number | undefined
  #maxMemory: number | undefined
  #password: string | undefined
  #server: Promise<Postgres> | undefined
  readonly #sessions = new Map<string, Promise<Session>>()

  /**
   * An object whose name begins with "durable" keeps its cluster in its storage; GET with "?export" exports it, PUT imports one. One whose
   * name ends with "open" has no password, and one with "icu" in its name has ICU's data. PostgreSQL's clients come by WebSocket.
   */
  override async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    this.#durable = pathname.startsWith('/durable')
    this.#collations = pathname.includes('icu')
    this.#password = pathname.endsWith('open') ? undefined : PASSWORD
    const maxSize = searchParams.get('maxSize')
    if (maxSize !== null) this.#maxSize = Number(maxSize)
    const maxMemory = searchParams.get('maxMemory')
    if (maxMemory !== null) this.#maxMemory = Number(maxMemory)
    if (request.method === 'GET' && !searchParams.has('export')) return (await this.#start()).fetch(request)
    if (request.method === 'GET') return new Response(exportCluster(this.ctx.storage))
    if (request.method === 'PUT')
      return Response.json(await settled(importCluster(this.ctx.storage, request.body!)))
    const task = (await request.json()) as Task
    return Response.json(await settled(this.#do(task)))
  }

  /** The rows of each session's last statement. */
  async #withoutJspi(sessions: string[][]): Promise<unknown[]> {
    const engine = WebAssembly as { Suspending?: unknown }
    const { Suspending } = engine
    engine.Suspending = undefined
    const storage = this.#durable ? this.ctx.storage : undefined
    const starting = createPostgres({ module, storage })
    engine.Suspending = Suspending
    const server = await starting
    const rows: unknown[] = []
    for (const statements of sessions) {
      const client = await connect(server)
      for (const sql of statements) rows.push((await client.query(sql)).rows)
      rows.splice(-statements.length, statements.length - 1)
      await client.end()
    }
    const denied = server.fetch(new Request('http://server', { headers: { Upgrade: 'websocket' } }))
    await server.stop()
    return [...rows, denied.status, await server.exited]
  }

  /** The output of each. */
  async #toCompletion(queries: string[]): Promise<string[]> {
    const handler = createPGliteImportHandler()
    const mod = await createPostgresModule({
      module,
      storage: this.#durable ? this.ctx.storage : undefined,
      instantiateWasm: (imports, callback) => {
        const merged = { ...imports, env: { ...imports.env, ...handler.imports } }
        WebAssembly.instantiate(module.programs.postgres, merged).then(instance => callback(instance))
      },
    })
    handler.setModule(mod)
    const outputs = queries.map(sql => {
      const text = Buffer.from(`${sql}\0`)
      const bytes = Buffer.concat([Buffer.from([0x51, 0, 0, 0, 0]), text])
      bytes.writeUInt32BE(bytes.length - 1, 1)
      handler.setInput(bytes)
      mod._interactive_one(bytes.length, bytes[0])
      return Buffer.concat(handler.getOutput()).toString('latin1')
    })
    handler.endInput()
    try {
      mod._interactive_one(0)
    } catch (error) {
      if (!(error instanceof PostgresExit)) throw error
      outputs.push(`exit ${error.exitCode}`)
    }
    return outputs
  }

  #start(): Promise<Postgres> {
    const storage = this.#durable ? this.ctx.storage : undefined
    this.#server ??= createPostgres({
      module: this.#collations ? { ...module, icu } : module,
      storage,
      maxSize: this.#maxSize,
      maxMemory: this.#maxMemory,
      password: this.#password,
      log: text => console.log(text.trimEnd()),
    })
    return this.#server
  }

  #session(name: string): Promise<Session> {
    let session = this.#sessions.get(name)
    if (session === undefined) {
      session = this.#connect()
      this.#sessions.set(name, session)
    }
    return session
  }

  async #connect(): Promise<Session> {
    const client = await connect(await this.#start())
    const notifications: unknown[] = []
    client.on('notification', ({ channel, payload }) => notifications.push({ channel, payload }))
    client.on('error', () => {})
    return { client, notifications }
  }

  async #do(task: Task): Promise<unknown> {
    switch (task.type) {
      case 'query': {
        const { client } = await this.#session(task.session)
        return (await client.query(task.sql)).rows
      }
      case 'send': {
        const session = await this.#session(task.session)
        session.sent = settled(session.client.query(task.sql).then(({ rows }) => rows))
        return null
      }
      case 'result': {
        const answer = await (await this.#session(task.session)).sent!
        if ('error' in answer) throw Object.assign(new Error(answer.error.message), answer.error)
        return answer.result
      }
      case 'drop': {
        const { client } = await this.#session(task.session)
        this.#sessions.delete(task.session)
        ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
        return null
      }
      case 'end': {
        const { client } = await this.#session(task.session)
        this.#sessions.delete(task.session)
        return client.end()
      }
      case 'timers':
        return timers.size
      case 'notifications':
        return (await this.#session(task.session)).notifications
      case 'postgres.js': {
        const sql = postgresJs(await this.#start())
        const rows = [...(await sql.unsafe(task.sql))]
        await sql.end()
        return rows
      }
      case 'drizzle':
        return throughDrizzle(await this.#start())
      case 'copy':
        return copyInto(await this.#start(), task.table, task.megabytes << 20)
      case 'read slowly':
        return readSlowly(await this.#start(), task.megabytes)
      case 'transaction':
        return transaction(await this.#start(), task.statements)
      case 'memory':
        return (await this.#start()).memory.buffer.byteLength
      case 'stop': {
        await (await this.#start()).stop()
        this.#server = undefined
        this.#sessions.clear()
        return null
      }
      case 'abort':
        return this.ctx.abort()
      case 'storage':
        return this.ctx.storage.sql.exec(task.sql).toArray()
      case 'storage digest':
        return digest(this.ctx.storage.sql)
      case 'without JSPI':
        return this.#withoutJspi(task.sessions)
      case 'to completion':
        return this.#toCompletion(task.queries)
      case 'second':
        return (await createPostgres({ module, storage: this.ctx.storage })).stop()
      case 'generate code':
        return generateCode()
    }
  }
}

async function digest(sql: ObjectStorage['sql']): Promise<string> {
  const tables = sql.exec(
    "select name from sqlite_master where type = 'table' and name not like '\\_cf%' escape '\\'",
  )
  let text = ''
  for (const { name } of tables.toArray())
    for (const row of sql.exec(`select * from ${name}`))
      for (const value of Object.values(row)) {
        const bytes = value instanceof ArrayBuffer ? value : new TextEncoder().encode(String(value))
        text += await sha256(bytes)
      }
  return sha256(new TextEncoder().encode(text))
}

async function sha256(bytes: BufferSource): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
}

function generateCode(): string[] {
  const emptyModule = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  const ways: Record<string, () => unknown> = {
    // biome-ignore lint/security/noGlobalEval: to see it refused
    eval: () => globalThis.eval('1'),
    Function: () => new Function('return 1'),
    WebAssembly: () => new WebAssembly.Module(emptyModule),
  }
  return Object.keys(ways).filter(way => {
    try {
      ways[way]!()
      return true
    } catch {
      return false
    }
  })
}

/** What a plain Worker has kept from its first request. */
let kept: Promise<Postgres> | undefined

/** Outside of an object: the whole life of a server in one request, or the use of one that another request has started. */
async function inPlainWorker(keep: boolean): Promise<unknown> {
  const started = (keep ? kept : undefined) ?? createPostgres({ module })
  if (keep) kept = started
  const server = await started
  const client = await connect(server)
  const { rows } = await client.query('select 1 as one')
  await client.end()
  if (!keep) await server.stop()
  return rows
}

export default {
  async fetch(request: Request, { DATABASE }: Environment): Promise<Response> {
    const name = new URL(request.url).pathname
    if (name.startsWith('/plain')) return Response.json(await settled(inPlainWorker(name === '/plain-kept')))
    return DATABASE.get(DATABASE.idFromName(name)).fetch(request)
  },
}
