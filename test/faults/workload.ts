/**
 * Clients that write all the time and remember what they were told. Their rows say of themselves whether they are whole, so
 * that after a fault it can be checked: what was acknowledged is there, and of what was not, all or nothing.
 */
import pg from 'pg'
import { Failure, type Server } from './server.js'

/** Rows of an entry. */
const PARTS = 4
/** Accounts between which money moves; its sum stays 0. */
const ACCOUNTS = 50
/** Every so many entries of a client come with a table of their own, and every so many older ones are rewritten. */
const TABLE_EVERY = 12
const REWRITE_EVERY = 5
/** Entries that are kept; older ones are deleted. */
const KEPT = 60

const SCHEMA = `
  create extension amcheck;
  -- From a few bytes to some that are stored out of line.
  create function content(client int, seq int, part int, version int) returns text language sql immutable as $$
    select repeat(md5(concat_ws(' ', client, seq, part, version)), 1 + (seq * 7 + part * 13) % 5
      + case when seq % 9 = 0 then 150 else 0 end) $$;
  create table entry (client int, seq int, part int, version int, content text, primary key (client, seq, part));
  alter table entry alter content set storage external;
  create index on entry (left(content, 100));
  create table account (id int primary key, balance bigint not null);
  insert into account select i, 0 from generate_series(1, ${ACCOUNTS}) i;
`

/** What a server tells its clients when it ends or has crashed. */
const SHUTDOWN = ['57P01', '57P02', '57P03']

/** What one client knows. */
interface Knowledge {
  /** The last entry that was acknowledged, and the last that was begun. */
  acknowledged: number
  begun: number
}

export class Workload {
  readonly #clients = new Map<number, Knowledge>()
  /** Called at once for each commit that the server acknowledges. */
  onAcknowledged: (client: number, seq: number) => void = () => {}

  constructor(readonly clients: number) {
    for (let client = 1; client <= clients; client++) this.#clients.set(client, { acknowledged: 0, begun: 0 })
  }

  /** A workload that goes on from these entries: the last one of each client that the server has acknowledged. */
  static knowing(clients: number, acknowledged: ReadonlyMap<number, number>): Workload {
    const workload = new Workload(clients)
    for (const [client, knowledge] of workload.#clients) {
      knowledge.acknowledged = acknowledged.get(client) ?? 0
      knowledge.begun = knowledge.acknowledged + 1
    }
    return workload
  }

  /** What a copy must have that begins now: all that has been acknowledged, and perhaps more. */
  asOfNow(): Workload {
    const workload = new Workload(this.clients)
    for (const [client, { acknowledged }] of this.#clients)
      workload.#clients.set(client, { acknowledged, begun: Number.POSITIVE_INFINITY })
    return workload
  }

  /** How many commits were acknowledged. */
  get acknowledged(): number {
    return [...this.#clients.values()].reduce((sum, { acknowledged }) => sum + acknowledged, 0)
  }

  async prepare(session: pg.Client): Promise<void> {
    await session.query(SCHEMA)
  }

  /**
   * Lets all clients write until each has lost its connection, or met an error with one of these codes; resolves with those
   * that were met.
   *
   * @throws Failure if a statement fails for another reason
   */
  async run(server: Server, expected: readonly string[] = []): Promise<string[]> {
    const runs = [...this.#clients].map(([client, knowledge]) =>
      this.#writeOn(server, client, knowledge, expected),
    )
    return (await Promise.all(runs)).filter(code => expected.includes(code))
  }

  /** Resolves with the code of the error that ended it. */
  async #writeOn(
    server: Server,
    client: number,
    knowledge: Knowledge,
    expected: readonly string[],
  ): Promise<string> {
    let session: pg.Client | undefined
    try {
      session = await server.connect()
      for (;;) await this.#write(session, client, knowledge)
    } catch (error) {
      const { code = '' } = error as { code?: string }
      if (error instanceof pg.DatabaseError && ![...SHUTDOWN, ...expected].includes(code))
        throw new Failure(`client ${client} at entry ${knowledge.begun}: ${error.message} (${code})`, server)
      return code
    } finally {
      void session?.end().catch(() => {})
    }
  }

  async #write(session: pg.Client, client: number, knowledge: Knowledge): Promise<void> {
    const seq = ++knowledge.begun
    await session.query('begin')
    await session.query(
      `insert into entry select $1::int, $2::int, part, 0, content($1::int, $2::int, part, 0)
       from generate_series(1, ${PARTS}) part`,
      [client, seq],
    )
    const [from, to] = [1 + ((seq * 7 + client) % ACCOUNTS), 1 + ((seq * 11 + client * 3) % ACCOUNTS)]
    const moves = [`balance - ${seq} where id = ${from}`, `balance + ${seq} where id = ${to}`]
    // In the order of their ids, so that no two clients wait for each other.
    if (from > to) moves.reverse()
    for (const move of moves) await session.query(`update account set balance = ${move}`)
    if (seq % REWRITE_EVERY === 0)
      await session.query(
        `update entry set version = version + 1, content = content(client, seq, part, version + 1)
         where client = $1 and seq in ($2::int - 1, $2::int - 3)`,
        [client, seq],
      )
    if (seq % TABLE_EVERY === 0) {
      const name = `made_${client}_${seq}`
      await session.query(`create table ${name} as select * from entry where client = ${client}`)
      await session.query(`create index on ${name} (seq, part)`)
      const oldest = seq - 2 * TABLE_EVERY
      if (oldest > 0) await session.query(`drop table made_${client}_${oldest}`)
    }
    if (seq > KEPT)
      await session.query('delete from entry where client = $1 and seq = $2', [client, seq - KEPT])
    await session.query('commit')
    knowledge.acknowledged = seq
    this.onAcknowledged(client, seq)
  }

  /**
   * Compares the rows with what the server has acknowledged, and lets the clients go on from there.
   *
   * @throws Failure saying what is lost, half there or wrong
   */
  async check(session: pg.Client, server: Server): Promise<void> {
    const problems: string[] = []
    for (const [client, knowledge] of this.#clients) {
      const { acknowledged, begun } = knowledge
      const { rows } = await session.query(
        `select seq, count(*)::int as parts,
           bool_and(content = content(client, seq, part, version)) as whole
         from entry where client = $1 group by seq order by seq`,
        [client],
      )
      const last: number = rows.at(-1)?.seq ?? 0
      if (last < acknowledged) problems.push(`client ${client}: of ${acknowledged} commits there are ${last}`)
      const unclear = begun - acknowledged
      if (last > begun || (unclear > 1 && Number.isFinite(begun)))
        problems.push(`client ${client}: ${last} is not its own`)
      const first = Math.max(1, last - KEPT + 1)
      if (last > 0 && (rows[0].seq !== first || rows.length !== last - first + 1))
        problems.push(`client ${client}: entries ${rows[0].seq} to ${last} are ${rows.length}`)
      for (const { seq, parts, whole } of rows)
        if (parts !== PARTS || !whole)
          problems.push(`client ${client}: entry ${seq} has ${parts} parts, whole: ${whole}`)
      const made = await session.query(
        `select relname from pg_class where relkind = 'r' and relname like 'made\\_${client}\\_%'
           order by oid`,
      )
      const latest = last - (last % TABLE_EVERY)
      const expected = [latest - TABLE_EVERY, latest]
        .filter(seq => seq > 0)
        .map(seq => `made_${client}_${seq}`)
      const found = made.rows.map(({ relname }) => relname)
      if (found.sort().join() !== expected.sort().join())
        problems.push(`tables ${found}, but expected ${expected}`)
      knowledge.acknowledged = last
      knowledge.begun = last
    }
    const { rows } = await session.query('select sum(balance)::int as sum from account')
    if (rows[0].sum !== 0) problems.push(`the accounts' sum is ${rows[0].sum}`)
    if (problems.length > 0) throw new Failure(problems.join('\n'), server)
  }
}

/** Looks into every table and index of the database, by amcheck: their structure, and that an index has every row. */
export async function checkStructure(session: pg.Client, server: Server): Promise<void> {
  const { rows } = await session.query(`
    select c.oid::regclass::text as name, v.msg from pg_class c, verify_heapam(c.oid) v
      where c.relkind in ('r', 't', 'm') and c.relpersistence = 'p'`)
  if (rows.length > 0) throw new Failure(rows.map(({ name, msg }) => `${name}: ${msg}`).join('\n'), server)
  try {
    await session.query(`
      select bt_index_parent_check(i.indexrelid, true, true) from pg_index i
        join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
        where a.amname = 'btree' and i.indisvalid and c.relpersistence = 'p'`)
  } catch (error) {
    throw new Failure(`an index: ${(error as Error).message}`, server)
  }
}
