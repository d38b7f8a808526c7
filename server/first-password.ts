/**
 * The superuser's first password. PostgreSQL is given what it would store itself, a verifier, so that the password is in no
 * statement that could be logged.
 */
import type { Cluster } from '../wasm/cluster/cluster.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { asSuperuser } from '../wasm/cluster/superuser.js'
import { verifier } from '../wasm/protocol/scram.js'

/**
 * Gives the superuser its password if it has none.
 *
 * @throws StartupError when PostgreSQL refuses
 */
export async function setFirstPassword(cluster: Cluster, password: string, superuser: string): Promise<void> {
  try {
    const [row] = await asSuperuser(
      cluster,
      'select rolpassword from pg_authid where rolname = current_user',
      superuser,
    )
    if (row?.[0] === null)
      await asSuperuser(cluster, `alter role current_user password '${await verifier(password)}'`, superuser)
  } catch (error) {
    throw new StartupError(`cannot set the superuser's password: ${(error as Error).message}`)
  }
}
