/** Statements that the host itself executes, in a session of the superuser. */
import { BackendMessages } from '../protocol/backend-messages.js'
import { concatenated } from '../protocol/bytes.js'
import { message, startupMessage } from '../protocol/messages.js'
import { verifier } from '../protocol/scram.js'
import type { Cluster } from './cluster.js'

/** The superuser of the template, and the default for a new cluster. */
export const INITIAL_SUPERUSER = 'postgres'

/**
 * Executes one statement or several in one session, and returns the rows of all, with values as text.
 *
 * @throws Error with PostgreSQL's message for the first statement that fails; later ones have been executed
 */
export async function asSuperuser(
  cluster: Cluster,
  sql: string | readonly string[],
  user: string,
  database = 'postgres',
): Promise<(string | null)[][]> {
  const backend = cluster.connect()
  const messages = new BackendMessages(backend)
  const parameters = { user, database, application_name: 'pglite-imports-server' }
  const queries = [sql].flat().map(statement => message('Q', `${statement}\0`))
  backend.setInput(concatenated([startupMessage(parameters), ...queries, message('X')]))
  const rows: (string | null)[][] = []
  let failure: string | undefined
  for (let next = await messages.next(); next !== undefined; next = await messages.next()) {
    if (next.type === 'D') rows.push(columns(next.body))
    if (next.type === 'E') failure ??= /(?:^|\0)M([^\0]*)/.exec(new TextDecoder().decode(next.body))?.[1]
  }
  backend.reset()
  backend.release()
  if (failure !== undefined) throw new Error(withHint(failure, user))
  return rows
}

/**
 * Sets the superuser's password. The statement has the verifier, which PostgreSQL stores, so the password cannot be logged.
 *
 * @param keeps called with the role's verifier, if it has one; if this resolves to true, the verifier stays as it is
 * @throws Error with PostgreSQL's message
 */
export async function setPassword(
  cluster: Cluster,
  user: string,
  password: string,
  keeps: (verifier: string) => Promise<boolean>,
): Promise<void> {
  const [row] = await asSuperuser(
    cluster,
    'select rolpassword from pg_authid where rolname = current_user',
    user,
  )
  if (row?.[0] && (await keeps(row[0]))) return
  await asSuperuser(cluster, `alter role current_user password '${await verifier(password)}'`, user)
}

/** PostgreSQL's message, with a hint if the superuser does not exist. */
export function withHint(failure: string, superuser: string): string {
  if (failure !== `role "${superuser}" does not exist`) return failure
  return `${failure}: give the name of the cluster's superuser with -U`
}

/** The columns of a DataRow. */
function columns(body: Uint8Array): (string | null)[] {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  let at = 2
  return Array.from({ length: view.getUint16(0) }, () => {
    const length = view.getInt32(at)
    const start = at + 4
    at = start + Math.max(0, length)
    return length < 0 ? null : new TextDecoder().decode(body.subarray(start, at))
  })
}
