/**
 * Who may connect from outside. PostgreSQL decides, by a pg_hba.conf of the server's own: whoever comes by WebSocket needs
 * a password (SCRAM-SHA-256), from wherever. The data directory's is not used, for it may have come from a
 * server on a machine of its own, where programs of the same machine are trusted. What is known here of passwords keeps out,
 * before there is a backend, those whom PostgreSQL would not let in.
 */

import type { Cluster } from '../wasm/cluster/cluster.js'
import { asSuperuser, INITIAL_SUPERUSER, setPassword } from '../wasm/cluster/superuser.js'
import { MOCK_AUTH_NONCE_LEN, offsetof } from '../wasm/machine/abi.js'
import { keysOf, mockVerifier, parseVerifier, type Verifier } from '../wasm/protocol/scram.js'

/** A setting of `hba_file` is stronger. */
export const HBA_FILE = '/pgsql/pg_hba.conf'

export const HBA = `# TYPE  DATABASE  USER  ADDRESS  METHOD
local   all       all            trust
host    all       all   all      scram-sha-256
`

const { mock_authentication_nonce: NONCE } = offsetof.ControlFileData

const MOCK_NONCE = `select encode(substr(pg_read_binary_file('global/pg_control'), ${NONCE + 1}, ${MOCK_AUTH_NONCE_LEN}), 'hex')`
const VERIFIERS = 'select rolname, rolpassword from pg_authid where rolpassword is not null'

/** What there is to know of passwords, as long as nothing has been written since. */
interface Passwords {
  /** The cluster, and how much had been written to its WAL before it was asked. */
  readonly cluster: Cluster
  readonly written: number
  readonly verifiers: ReadonlyMap<string, Verifier>
  readonly mockNonce: Uint8Array
}

export class RemoteAccess {
  readonly #password: string | undefined
  readonly #written: () => number
  #prepared = false
  #known: Passwords | undefined
  /** The one question that is being asked, and the one that follows. Whoever comes meanwhile waits for the latter. */
  #asking: Promise<unknown> = Promise.resolve()
  #next: Promise<Passwords> | undefined

  /**
   * @param password is to be the superuser's; undefined leaves passwords to SQL
   * @param written a number that grows with what is written to the cluster's WAL
   */
  constructor(password: string | undefined, written: () => number) {
    this.#password = password
    this.#written = written
  }

  /**
   * What a client that says it is this role is to be asked by. A role that is not there, or has no password, has one as well, which
   * nobody knows the password of. Undefined if nobody at all can log in.
   */
  async verifierOf(cluster: Cluster, role: string): Promise<Verifier | undefined> {
    const known = this.#known
    const valid = known?.cluster === cluster && known.written === this.#written()
    const { verifiers, mockNonce } = valid ? known : await this.#askInTurn(cluster)
    if (verifiers.size === 0) return undefined
    return verifiers.get(role) ?? (await mockVerifier(role, mockNonce))
  }

  /** However many want to know, one session at a time asks. */
  #askInTurn(cluster: Cluster): Promise<Passwords> {
    this.#next ??= this.#asking
      .catch(() => {})
      .then(() => {
        this.#asking = this.#next!
        this.#next = undefined
        return this.#ask(cluster)
      })
    return this.#next
  }

  async #ask(cluster: Cluster): Promise<Passwords> {
    await this.#prepare(cluster)
    const written = this.#written()
    const [nonce, ...roles] = await asSuperuser(cluster, [MOCK_NONCE, VERIFIERS], INITIAL_SUPERUSER)
    const verifiers = new Map<string, Verifier>()
    for (const [role, password] of roles) {
      const verifier = parseVerifier(password!)
      if (verifier !== undefined) verifiers.set(role!, verifier)
    }
    const mockNonce = Uint8Array.from(nonce![0]!.match(/../g)!, byte => Number.parseInt(byte, 16))
    this.#known = { cluster, written, verifiers, mockNonce }
    return this.#known
  }

  /** The superuser's password is set when the first client comes, unless it is that already: to set it writes to the storage. */
  async #prepare(cluster: Cluster): Promise<void> {
    const password = this.#password
    if (this.#prepared || password === undefined) return
    await setPassword(cluster, INITIAL_SUPERUSER, password, async text => {
      const verifier = parseVerifier(text)
      return verifier !== undefined && (await keysOf(password, verifier)) !== undefined
    })
    this.#prepared = true
  }
}
