/** Connections of the benchmark itself, by node-postgres. */
import pg from 'pg'

/**
 * Milliseconds between two attempts to reach a server that starts: until it listens, and while it refuses clients, which
 * makes it work.
 */
const RETRY = 2
const RETRY_WHEN_REFUSED = 20
const START_DEADLINE = 60_000

/** A statement that takes longer than this has hung. */
const QUERY_DEADLINE = 120_000

export async function connect(port: number): Promise<pg.Client> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    database: 'postgres',
    connectionTimeoutMillis: QUERY_DEADLINE,
    query_timeout: QUERY_DEADLINE,
  })
  client.on('error', () => {}) // the statement that runs, or the next one, fails as well
  await client.connect()
  return client
}

/** Connects, runs one statement, disconnects. */
export async function query(port: number, statement: string): Promise<Record<string, unknown>[]> {
  const client = await connect(port)
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}

/** Returns when the server has answered a query; `check` is called before each attempt and may throw. */
export async function answer(port: number, check: () => void): Promise<void> {
  const began = performance.now()
  for (;;) {
    check()
    try {
      await query(port, 'select 1')
      return
    } catch (error) {
      if (performance.now() - began > START_DEADLINE) throw error
      await pause(error instanceof pg.DatabaseError ? RETRY_WHEN_REFUSED : RETRY)
    }
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}
