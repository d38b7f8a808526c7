/**
 * Queries by HTTP, as `neon()` of `@neondatabase/serverless` sends them: POST /sql, with the connection string in a header, and one or
 * more queries as JSON in the body. Requests and responses have the format of Neon's proxy (github.com/neondatabase/neon,
 * proxy/src/serverless).
 */
import type { FailureLimit } from './failure-limit.js'
import { jsonOf } from './json-values.js'
import type { Pool } from './pool.js'
import type { FieldDef, QueryResult, TransactionOptions } from './query.js'
import type { Identity, Session } from './session.js'

export interface SqlRequest {
  readonly method: string
  header(name: string): string | null
  /** The body; undefined if it has more bytes than that. */
  text(limit: number): Promise<string | undefined>
  /** The client's address; undefined if the host does not know it. */
  readonly address: string | undefined
}

export interface SqlAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface SqlOptions {
  readonly pool: Pool
  readonly failures: FailureLimit
  /** Opens a session for this role and database. Rejects if the password is wrong. */
  open(identity: Identity, address: string | undefined): Promise<Session>
  /** Origins whose pages may send queries, '*' for all. Default: none. */
  readonly cors?: readonly string[] | undefined
}

/** The most bytes that a request may have. */
const LARGEST_REQUEST = 10 << 20

const HEADERS = [
  'Neon-Connection-String',
  'Neon-Raw-Text-Output',
  'Neon-Array-Mode',
  'Neon-Batch-Isolation-Level',
  'Neon-Batch-Read-Only',
  'Neon-Batch-Deferrable',
]

/** SQLSTATEs of a refused login: by pg_hba.conf 28000, for a wrong password 28P01. */
const isRefusal = (error: unknown) => /^28/.test((error as { code?: string }).code ?? '')

interface Query {
  readonly query: string
  readonly params: readonly unknown[]
  readonly arrayMode?: boolean
}

/** An error of the client's in a request. */
class BadRequest extends Error {
  constructor(
    message: string,
    readonly status = 400,
  ) {
    super(message)
  }
}

/** Whether a request's path is that of queries. */
export const isSqlPath = (path: string) => /\/sql\/?$/.test(path)

export async function answerSql(request: SqlRequest, options: SqlOptions): Promise<SqlAnswer> {
  const origin = request.header('Origin')
  const { cors = [] } = options
  // Refuses the request of a page from another origin, instead of only hiding the response: a server may trust all clients on its machine,
  // and with them every page in a browser there.
  if (origin !== null && !cors.includes('*') && !cors.includes(origin))
    return plain(403, `pages of ${origin} may not send queries to this server`)
  const headers: Record<string, string> =
    origin === null ? {} : { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' }
  const answer = request.method === 'OPTIONS' ? preflight() : await answerPost(request, options)
  return { ...answer, headers: { ...answer.headers, ...headers } }
}

function preflight(): SqlAnswer {
  const allowed = ['Content-Type', 'Authorization', ...HEADERS].join(', ')
  const headers = { 'Access-Control-Allow-Methods': 'POST', 'Access-Control-Allow-Headers': allowed }
  return { status: 204, headers: { ...headers, 'Access-Control-Max-Age': '86400' }, body: '' }
}

async function answerPost(request: SqlRequest, options: SqlOptions): Promise<SqlAnswer> {
  if (request.method !== 'POST') return plain(405, 'send queries by POST')
  try {
    return json(200, await execute(request, options))
  } catch (error) {
    if (error instanceof BadRequest && error.status !== 400) return plain(error.status, error.message)
    return json(400, fieldsOf(error))
  }
}

async function execute(request: SqlRequest, { pool, failures, open }: SqlOptions): Promise<unknown> {
  const identity = identityIn(request)
  const { address } = request
  const key = await keyOf(identity, address)
  const body = await request.text(LARGEST_REQUEST)
  if (body === undefined) throw new BadRequest(`a request may have ${LARGEST_REQUEST >> 20} MiB`, 413)
  const asked = queriesIn(body)
  const openSession = async () => {
    if (failures.exceeded(address)) throw new BadRequest('too many failed logins: wait a minute', 429)
    try {
      return await open(identity, address)
    } catch (error) {
      if (isRefusal(error)) failures.failed(address)
      throw error
    }
  }
  const isOn = (name: string) => request.header(name) === 'true'
  const raw = isOn('Neon-Raw-Text-Output')
  const all = isOn('Neon-Array-Mode')
  const one = async (session: Session, { query, params, arrayMode = all }: Query) => {
    const result = await session.query(query, params, { rowMode: 'array', raw: true })
    return shaped(result, raw, arrayMode)
  }
  return pool.use(key, openSession, async session => {
    if (!Array.isArray(asked)) return one(session, asked)
    const results: unknown[] = []
    const transaction = async () => {
      for (const query of asked) results.push(await one(session, query))
    }
    await session.transaction(transaction, modesIn(request))
    return { results }
  })
}

function identityIn(request: SqlRequest): Identity {
  const text = request.header('Neon-Connection-String')
  if (text === null) throw new BadRequest('there is no header Neon-Connection-String')
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new BadRequest('the header Neon-Connection-String has no URL')
  }
  if (!/^postgres(ql)?:$/.test(url.protocol))
    throw new BadRequest('the connection string is not postgres://…')
  const [user = '', password = '', path = ''] = [url.username, url.password, url.pathname].map(
    decodeURIComponent,
  )
  if (user === '') throw new BadRequest('the connection string names no user')
  return {
    user,
    password,
    database: path.slice(1) || user,
    applicationName: url.searchParams.get('application_name') ?? undefined,
  }
}

/** The key of a pool's sessions: a hash of all that a login depends on, so that the pool does not contain passwords. */
async function keyOf(identity: Identity, address: string | undefined): Promise<string> {
  const { user, database, password, applicationName } = identity
  const text = new TextEncoder().encode(JSON.stringify([user, database, password, applicationName, address]))
  return String.fromCharCode(...new Uint8Array(await crypto.subtle.digest('SHA-256', text)))
}

function queriesIn(body: string): Query | Query[] {
  let asked: unknown
  try {
    asked = JSON.parse(body)
  } catch {
    throw new BadRequest('the request is not JSON')
  }
  const { queries } = (asked ?? {}) as { queries?: unknown }
  if (queries === undefined) return queryIn(asked)
  if (!Array.isArray(queries)) throw new BadRequest('"queries" must be an array')
  return queries.map(queryIn)
}

function queryIn(asked: unknown): Query {
  const { query, params = [], arrayMode } = (asked ?? {}) as Partial<Query>
  if (typeof query !== 'string') throw new BadRequest('"query" must be a string')
  if (!Array.isArray(params)) throw new BadRequest('"params" must be an array')
  return { query, params, ...(typeof arrayMode === 'boolean' && { arrayMode }) }
}

const LEVELS: Readonly<Record<string, TransactionOptions['isolationLevel']>> = {
  ReadUncommitted: 'read uncommitted',
  ReadCommitted: 'read committed',
  RepeatableRead: 'repeatable read',
  Serializable: 'serializable',
}

function modesIn(request: SqlRequest): TransactionOptions {
  const level = request.header('Neon-Batch-Isolation-Level')
  if (level !== null && LEVELS[level] === undefined)
    throw new BadRequest(`there is no isolation level ${level}`)
  const mode = (name: string) => {
    const value = request.header(name)
    return value === null ? undefined : value === 'true'
  }
  return {
    isolationLevel: level === null ? undefined : LEVELS[level],
    readOnly: mode('Neon-Batch-Read-Only'),
    deferrable: mode('Neon-Batch-Deferrable'),
  }
}

/** A query's result as JSON, in the form that the request asked for. `result` has rows as arrays of PostgreSQL's texts. */
function shaped(result: QueryResult<(string | null)[]>, raw: boolean, asArrays: boolean): unknown {
  const { command, rowCount, fields } = result
  const value = (text: string | null, { dataTypeID }: FieldDef) => (raw ? text : jsonOf(text, dataTypeID))
  const rows = result.rows.map(row => {
    const values = row.map((text, i) => value(text, fields[i]!))
    return asArrays ? values : Object.fromEntries(values.map((each, i) => [fields[i]!.name, each]))
  })
  const described = fields.map(
    ({ name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format }) => ({
      ...{ name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format },
    }),
  )
  return { fields: described, command, rowCount, rows, rowAsArray: asArrays }
}

const FIELDS =
  'severity code detail hint position internalPosition internalQuery where schema table column dataType constraint file line routine'

function fieldsOf(error: unknown): Record<string, unknown> {
  const given = error as Record<string, unknown>
  const fields = FIELDS.split(' ').map(name => [name, given[name] ?? null])
  return { message: error instanceof Error ? error.message : String(error), ...Object.fromEntries(fields) }
}

function json(status: number, body: unknown): SqlAnswer {
  return { status, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
}

function plain(status: number, text: string): SqlAnswer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: `${text}\n` }
}
