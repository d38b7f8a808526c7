/**
 * Who may connect from outside. PostgreSQL decides, by the pg_hba.conf below: every client that connects by WebSocket or HTTP needs
 * a password (SCRAM-SHA-256), whatever its address is. PostgreSQL does not read the pg_hba.conf of the data directory, because that may
 * come from a native server, where it trusts programs on the same computer.
 *
 * RemoteAccess keeps a copy of the verifiers of all passwords. With it the host refuses, before it starts a backend, a client whose
 * password PostgreSQL would refuse.
 */
import type { Cluster } from '../wasm/cluster/cluster.js'
import { asSuperuser, INITIAL_SUPERUSER, setPassword } from '../wasm/cluster/superuser.js'
import { MOCK_AUTH_NONCE_LEN, offsetof } from '../wasm/machine/postgres-abi.js'
import { keysOf, mockVerifier, parseVerifier, type Verifier } from '../wasm/protocol/scram.js'

/** Where a server finds it, unless the user sets `hba_file`. */
export const HBA_FILE = '/pg_hba.conf'

export const HBA = `# TYPE  DATABASE  USER  ADDRESS  METHOD
local   all       all            trust
host    all       all   all      scram-sha-256
`

const { mock_authentication_nonce: NONCE } = offsetof.ControlFileData

const MOCK_NONCE = `select encode(substr(pg_read_binary_file('global/pg_control'), ${NONCE + 1}, ${MOCK_AUTH_NONCE_LEN}), 'hex')`
const VERIFIERS = 'select rolname, rolpassword from pg_authid where rolpassword is not null'

/** The passwords' verifiers; they are right as long as PostgreSQL has written nothing since it was asked for them. */
interface Passwords {
  /** The cluster, and the number of writes to its WAL before it was asked. */
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
  /** The question that PostgreSQL is answering, and the one that follows it. A client that comes meanwhile waits for the second. */
  #asking: Promise<unknown> = Promise.resolve()
  #next: Promise<Passwords> | undefined

  /**
   * @param password the password that the superuser gets; undefined leaves passwords to SQL
   * @param written returns a number that grows with each write to the cluster's WAL
   */
  constructor(password: string | undefined, written: () => number) {
    this.#password = password
    this.#written = written
  }

  /**
   * The verifier of a role's password, by which a client proves that it knows the password. A role that does not exist or has no password
   * gets a made-up verifier, which no password matches, so that a client cannot find out which roles exist. Undefined if no role has
   * a password.
   */
  async verifierOf(cluster: Cluster, role: string): Promise<Verifier | undefined> {
    const known = this.#known
    const valid = known?.cluster === cluster && known.written === this.#written()
    const { verifiers, mockNonce } = valid ? known : await this.#askInTurn(cluster)
    if (verifiers.size === 0) return undefined
    return verifiers.get(role) ?? (await mockVerifier(role, mockNonce))
  }

  /** Asks PostgreSQL by one session at a time, however many clients wait for the answer. */
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

  /** Sets the superuser's password when the first client connects, unless PostgreSQL has it already: setting it writes to the storage. */
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
