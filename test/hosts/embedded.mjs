/**
 * What every host that a server is embedded in must be able to do. Runs as it is in Deno and Bun, and bundled in browsers;
 * answers with what came of it, for the test to look at.
 */
import pg from 'pg'
import {
  createPGliteImportHandler,
  createPostgres,
  createPostgresModule,
  loadModule,
} from 'pglite-imports-server/embedded'

/** @param base where the package's wasm/dist is, if not in the package */
export async function tryPostgres(base) {
  const module = await loadModule(base, { icu: true })
  return {
    canSuspend: 'Suspending' in WebAssembly,
    codeGeneration: canGenerateCode(),
    sessions: 'Suspending' in WebAssembly ? await sessions(module) : undefined,
    single: await withoutSuspending(() => singleSession(module)),
    completion: await toCompletion(module),
  }
}

function canGenerateCode() {
  try {
    return new Function('return true')()
  } catch {
    return false
  }
}

async function connected(postgres) {
  const client = new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })
  client.on('error', () => {})
  await client.connect()
  return client
}

const codeOf = promise =>
  promise.then(
    () => 'none',
    error => error.code,
  )

/** Two sessions, one of which waits for the other. */
async function sessions(module) {
  const postgres = await createPostgres({ module })
  const a = await connected(postgres)
  const b = await connected(postgres)
  await a.query("set application_name = 'a'; create table t as select id, 0 as value from generate_series(1, 100) id")
  await a.query('begin; update t set value = 1 where id = 1')
  const order = []
  const waiting = b.query('update t set value = value + 10 where id = 1 returning value').then(({ rows }) => {
    order.push('b')
    return rows
  })
  // Answered while the other one waits.
  order.push((await a.query("select current_setting('application_name') as name")).rows[0].name)
  await a.query('commit')
  const waited = await waiting
  const [{ name }] = (await b.query("select current_setting('application_name') as name")).rows
  const [text] = (await b.query("select to_tsvector('english', 'running dogs')::text as stems")).rows
  const timeout = await codeOf(b.query("set statement_timeout = '50ms'; select count(*) from generate_series(1, 1e12)"))
  const deep = await codeOf(b.query("set statement_timeout = 0; select repeat('[', 1000000)::json"))
  await a.end()
  await b.end()
  await postgres.stop()
  return { order, waited, name, text, timeout, deep, exit: await postgres.exited }
}

/** As in an engine that has no JSPI. */
async function withoutSuspending(use) {
  const { Suspending } = WebAssembly
  delete WebAssembly.Suspending
  try {
    return await use()
  } finally {
    if (Suspending !== undefined) WebAssembly.Suspending = Suspending
  }
}

/** Sessions one after the other, of one cluster. */
async function singleSession(module) {
  const postgres = await createPostgres({ module })
  const first = await connected(postgres)
  await first.query('create table kept as select id from generate_series(1, 1000) id')
  const second = await codeOf(connected(postgres))
  await first.query('begin; delete from kept')
  await first.end()
  const next = await connected(postgres)
  const { rows } = await next.query('select count(*)::int from kept')
  const error = await codeOf(next.query('select 1/0'))
  const libraries = await next.query(
    `select array(select w from unnest('{z,ä,a}'::text[]) w order by w collate "sv-x-icu") as sorted,
            xpath('/a/text()', '<a>b</a>')::text as found`,
  )
  await next.end()
  await postgres.stop()
  return { second, rows, error, libraries: libraries.rows, exit: await postgres.exited }
}

/** Bytes in, bytes out. */
async function toCompletion(module) {
  const handler = createPGliteImportHandler()
  const mod = await createPostgresModule({ module, client: handler.imports })
  handler.setModule(mod)
  const bytes = new TextEncoder().encode('Q\0\0\0\0select 6 * 7\0')
  bytes[4] = bytes.length - 1
  handler.setInput(bytes)
  mod._interactive_one(bytes.length, bytes[0])
  return handler.getOutput().map(chunk => new TextDecoder('latin1').decode(chunk)).join('')
}
