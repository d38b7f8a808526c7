/**
 * Asks PostgreSQL for its statistics, for /ready and /metrics. The cost is bounded: there is one question at a time, its
 * answer is used for a second, and there is a time limit.
 *
 * Each question has a session of its own, which takes a few milliseconds. A session that stayed would take a client's place, and
 * would make a smart shutdown and DROP DATABASE wait. A superuser's session gets in when clients have used up max_connections.
 */
import type { Duplex } from 'node:stream'
import pg, { type Client, type QueryResult } from 'pg'
import { errorCode } from '../../wasm/cluster/startup-error.js'
import { withHint } from '../../wasm/cluster/superuser.js'
import {
  type Answer,
  FRESH,
  inTime,
  PATIENCE,
  STATISTICS_QUERY,
  type Statistics,
  statisticsFrom,
} from '../../wasm/metrics/statistics.js'

/**
 * Returns a function that asks for the statistics, and that never rejects.
 *
 * @param connect makes a connection to the server
 * @param user a superuser; PGPASSWORD has its password if pg_hba.conf demands one for local connections
 */
export function statisticsOf(connect: () => Duplex, user: string): () => Promise<Answer> {
  let answer: Promise<Answer> | undefined
  const askAgain = () => {
    answer = undefined
  }
  return () => {
    answer ??= ask(connect, user).then(({ refused, ...asked }) => {
      setTimeout(askAgain, refused ? REFUSED : FRESH).unref()
      return asked
    })
    return answer
  }
}

/** Milliseconds for which PostgreSQL is not asked again when it has refused the password: it logs each attempt. */
const REFUSED = 60_000

async function ask(connect: () => Duplex, user: string): Promise<Answer & { refused: boolean }> {
  const stream = connect()
  const client = new pg.Client({
    stream: () => stream,
    user,
    database: 'postgres',
    application_name: 'pglite-imports-server metrics',
    statement_timeout: PATIENCE,
    // Keeps these queries out of the log.
    options: '-c log_statement=none -c log_min_duration_statement=-1',
    types: { getTypeParser: () => (text: string) => text },
  })
  client.on('error', () => {})
  try {
    return { statistics: await inTime(read(client)), refused: false }
  } catch (error) {
    const message = withHint(error instanceof Error ? error.message : String(error), user)
    const refused = errorCode(error) === '28P01' || LACKS_PASSWORD.test(message)
    return { error: refused ? `${message}: ${PASSWORD_HINT}` : message, refused }
  } finally {
    // Ends the session in order, or destroys the stream if the backend is stuck.
    void client.end().catch(() => {})
    setTimeout(() => stream.destroy(), PATIENCE).unref()
  }
}

/** What node-postgres says when it is asked for a password and has none. */
const LACKS_PASSWORD = /client password must be a string/
const PASSWORD_HINT =
  'pg_hba.conf demands a password of local connections; put it into the environment variable PGPASSWORD'

async function read(client: Client): Promise<Statistics> {
  await client.connect()
  return statisticsFrom((await client.query(STATISTICS_QUERY)) as unknown as QueryResult[])
}
