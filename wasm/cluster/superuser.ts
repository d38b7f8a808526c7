/** What the server itself has to ask and to tell PostgreSQL: statements in a session of the superuser's. */
import { BackendMessages } from '../protocol/backend-messages.js'
import { concatenated } from '../protocol/bytes.js'
import { message, startupMessage } from '../protocol/messages.js'
import { verifier } from '../protocol/scram.js'
import type { Cluster } from './cluster.js'

/** Whom a new cluster has, unless told otherwise: the template's, and the default of `init`. */
export const INITIAL_SUPERUSER = 'postgres'

/**
 * The rows of a statement, or of several one after the other, as text.
 *
 * @throws Error in PostgreSQL's words, of the first one that fails; those behind it have been executed
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
 * Gives the superuser a password. PostgreSQL is told what it would store itself, a verifier, so that the password is in no
 * statement that could be logged.
 *
 * @param keeps whether the password stays that the role has by now, given its verifier
 * @throws Error in PostgreSQL's words
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

/** What PostgreSQL has said, and what to do where it knows no such superuser. */
export function withHint(failure: string, superuser: string): string {
  if (failure !== `role "${superuser}" does not exist`) return failure
  return `${failure}: name the superuser that the cluster has by -U`
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
