/** Sessions and who waits for whom, as pg_stat_activity, pg_locks and pg_blocking_pids() say it. */
import type { Observer, Row } from '../connection/observer.js'

/** A session, or a process of PostgreSQL's own. */
export interface SessionRow {
  readonly pid: number
  readonly user: string
  readonly database: string
  readonly application: string
  readonly client: string
  /** Such as 'client backend'. */
  readonly type: string
  readonly state: string
  /** What it waits for, such as 'Lock: transactionid'. */
  readonly wait: string
  /** Seconds since the transaction, and since the state began. */
  readonly transactionAge: number | undefined
  readonly stateAge: number | undefined
  readonly query: string
}

/** That one session waits for a lock that another has or wants before it. */
export interface Wait {
  readonly waiter: number
  readonly blocker: number
  /** Such as 'ShareLock on accounts'. */
  readonly lock: string
  /** Seconds. */
  readonly age: number
}

export interface Activity {
  readonly sessions: readonly SessionRow[]
  readonly waits: readonly Wait[]
}

const SESSIONS = `select pid, coalesce(usename, '') as user, coalesce(datname, '') as database, application_name as application,
  case when backend_type = 'client backend' then coalesce(host(client_addr), 'local') else '' end as client, backend_type as type,
  coalesce(state, '') as state, coalesce(wait_event_type || ': ' || wait_event, '') as wait,
  extract(epoch from clock_timestamp() - xact_start) as transaction_age,
  extract(epoch from clock_timestamp() - state_change) as state_age, query
  from pg_stat_activity where pid <> pg_backend_pid()`

/** A session that waits for a row's lock waits for a transaction; its lock of the tuple says in which table. */
const WAITS = `select l.pid as waiter, b.pid as blocker, l.mode, l.locktype as type,
  coalesce(relation.name, row.name, '') as relation, coalesce(extract(epoch from clock_timestamp() - l.waitstart), 0) as age
  from pg_locks l cross join lateral (select distinct unnest(pg_blocking_pids(l.pid)) as pid) b
  left join lateral (select l.relation::regclass::text as name where l.relation is not null and l.database in (0,
    (select oid from pg_database where datname = current_database()))) relation on true
  left join lateral (select t.relation::regclass::text as name from pg_locks t where t.pid = l.pid and t.locktype = 'tuple'
    and t.database = (select oid from pg_database where datname = current_database()) limit 1) row on true
  where not l.granted`

export async function activityOf(observer: Observer): Promise<Activity> {
  const [sessions, waits] = await Promise.all([observer.rows(SESSIONS), observer.rows(WAITS)])
  return { sessions: sessions.map(sessionOf), waits: waits.map(waitOf) }
}

function sessionOf(row: Row): SessionRow {
  const number = (value: string | null | undefined) => (value == null ? undefined : Number(value))
  const { user, database, application, client, type, state, wait, query } = row
  return {
    pid: Number(row.pid),
    ...{ user: user ?? '', database: database ?? '', application: application ?? '', client: client ?? '' },
    ...{ type: type ?? '', state: state ?? '', wait: wait ?? '', query: query ?? '' },
    transactionAge: number(row.transaction_age),
    stateAge: number(row.state_age),
  }
}

function waitOf({ waiter, blocker, mode, type, relation, age }: Row): Wait {
  const what = type === 'transactionid' ? 'row' : type === 'relation' ? '' : (type ?? '')
  const on = [what, relation].filter(Boolean).join(what === 'row' ? ' of ' : ' ')
  return {
    waiter: Number(waiter),
    blocker: Number(blocker),
    lock: `${mode}${on && ` on ${on}`}`,
    age: Number(age),
  }
}

/** Cancels what a session runs, or ends the session. @throws ServerError in PostgreSQL's words */
export async function signal(observer: Observer, what: 'cancel' | 'terminate', pid: number): Promise<void> {
  await observer.rows(`select pg_${what}_backend(${pid})`)
}
