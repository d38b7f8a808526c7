/**
 * Who may connect from outside. PostgreSQL decides, by a pg_hba.conf of the server's own: whoever comes by WebSocket needs
 * a password (SCRAM-SHA-256), from wherever. The data directory's is not used, for it may have come from a
 * server on a machine of its own, where programs of the same machine are trusted.
 */

import type { Cluster } from '../wasm/cluster/cluster.js'
import { asSuperuser, INITIAL_SUPERUSER, setPassword } from '../wasm/cluster/superuser.js'
import { verifies } from '../wasm/protocol/scram.js'

/** A setting of `hba_file` is stronger. */
export const HBA_FILE = '/pgsql/pg_hba.conf'

export const HBA = `# TYPE  DATABASE  USER  ADDRESS  METHOD
local   all       all            trust
host    all       all   all      scram-sha-256
`

export class RemoteAccess {
  readonly #password: string | undefined
  #prepared: Promise<void> | undefined
  #possible = false

  /** @param password is to be the superuser's; undefined leaves passwords to SQL */
  constructor(password: string | undefined) {
    this.#password = password
  }

  /** Whether anyone at all can log in with a password. The superuser's is set when the first client comes. */
  async possible(cluster: Cluster): Promise<boolean> {
    if (this.#possible) return true
    if (this.#password !== undefined) {
      this.#prepared ??= this.#setPassword(cluster, this.#password).catch(error => {
        this.#prepared = undefined
        throw error
      })
      await this.#prepared
      this.#possible = true
    } else {
      const sql = 'select from pg_authid where rolcanlogin and rolpassword is not null limit 1'
      this.#possible = (await asSuperuser(cluster, sql, INITIAL_SUPERUSER)).length > 0
    }
    return this.#possible
  }

  /** Unless it is that already: to set it writes to the storage. */
  #setPassword(cluster: Cluster, password: string): Promise<void> {
    return setPassword(cluster, INITIAL_SUPERUSER, password, verifier => verifies(verifier, password))
  }
}
