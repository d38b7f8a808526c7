/** A shutdown that waits for the clients to disconnect, but not for ever, and says which clients it waits for. */
import type { PostgresServer } from '../server/index.js'

/** Milliseconds to find out which clients are connected. */
const PATIENCE = 10_000

const CLIENTS = `select format('%s%s@%s%s (PID %s)', application_name || ': ', usename, datname, ' from ' || host(client_addr), pid) as client
  from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid() order by backend_start`

/**
 * @param seconds how long to wait for them; undefined: for as long as they stay
 * @param tell called with each line to print
 */
export async function shutDownSmartly(
  server: PostgresServer,
  seconds: number | undefined,
  tell: (line: string) => void,
): Promise<void> {
  // Asked before the shutdown, because PostgreSQL accepts no new session afterwards.
  const clients = await clientsOf(server)
  const stopped = server.stop('smart')
  const limit = seconds === undefined ? '' : ` for up to ${seconds} s`
  if (clients === undefined)
    tell(`waiting${limit} for clients to disconnect; PostgreSQL did not tell who they are`)
  else if (clients.length > 0)
    tell(`waiting${limit} for ${clients.length} to disconnect: ${clients.join(', ')}`)
  if (seconds === undefined) return stopped
  const timer = setTimeout(() => {
    tell(`${seconds} s are over: disconnecting the clients that are left`)
    void server.stop('fast')
  }, seconds * 1000)
  await stopped
  clearTimeout(timer)
}

/** The clients that are connected, as text; undefined if PostgreSQL does not answer in time. */
async function clientsOf(server: PostgresServer): Promise<string[] | undefined> {
  const tooLate = new Promise<undefined>(resolve => setTimeout(resolve, PATIENCE, undefined).unref())
  return Promise.race([askClients(server).catch(() => undefined), tooLate])
}

async function askClients(server: PostgresServer): Promise<string[]> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    stream: () => server.connect(),
    user: server.user,
    database: 'postgres',
    statement_timeout: PATIENCE,
  })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<{ client: string }>(CLIENTS)
    return rows.map(row => row.client)
  } finally {
    await client.end()
  }
}
