/**
 * Vacuums and analyzes the tables that autovacuum would, before the server is suspended: while a server runs only for its clients,
 * autovacuum's launcher finds no time. The thresholds are autovacuum's own (PostgreSQL documentation, "The
 * Autovacuum Daemon"; relation_needs_vacanalyze() in autovacuum.c).
 */
import type { Cluster } from '../wasm/cluster/cluster.js'
import { asSuperuser, INITIAL_SUPERUSER } from '../wasm/cluster/superuser.js'

/** SQL for a setting of autovacuum: the table's own, else the server's, which has the same name. */
const setting = (name: string) => `coalesce(options->>'${name}', current_setting('${name}'))::float8`

const DUE = `
select name,
  (dead > least(${setting('autovacuum_vacuum_threshold')} + ${setting('autovacuum_vacuum_scale_factor')} * tuples,
      nullif(${setting('autovacuum_vacuum_max_threshold')}, -1))
    or (${setting('autovacuum_vacuum_insert_threshold')} >= 0 and inserted > ${setting('autovacuum_vacuum_insert_threshold')}
      + ${setting('autovacuum_vacuum_insert_scale_factor')} * tuples * unfrozen)
    or age > ${setting('autovacuum_freeze_max_age')})::int,
  (modified > ${setting('autovacuum_analyze_threshold')} + ${setting('autovacuum_analyze_scale_factor')} * tuples
    and kind <> 't' and id <> 'pg_statistic'::regclass)::int
from (
  select format('%I.%I', s.schemaname, s.relname) as name, c.oid as id, c.relkind as kind, age(c.relfrozenxid) as age,
    greatest(c.reltuples, 0) as tuples, 1 - least(c.relallfrozen::float8 / nullif(c.relpages, 0), 1) as unfrozen,
    s.n_dead_tup as dead, s.n_ins_since_vacuum as inserted, s.n_mod_since_analyze as modified,
    (select jsonb_object_agg(option_name, option_value) from pg_options_to_table(c.reloptions)) as options
  from pg_stat_all_tables s join pg_class c on c.oid = s.relid
  where c.relpersistence <> 't'
) as t
where coalesce((options->>'autovacuum_enabled')::bool, current_setting('autovacuum')::bool)`

/** Asks for the databases, each with a number that changes when a session writes to its tables. */
const DATABASES = `
select datname, pg_stat_get_db_tuples_inserted(oid) + pg_stat_get_db_tuples_updated(oid) + pg_stat_get_db_tuples_deleted(oid)
from pg_database where datallowconn and datconnlimit <> -2`

/** By database, its number at the last call. */
export type Seen = Map<string, string>

/**
 * Vacuums and analyzes tables in all databases that have been written to since the last call.
 *
 * @throws Error with PostgreSQL's message; the database's other tables have been vacuumed nevertheless
 */
export async function vacuumWhatIsDue(cluster: Cluster, seen: Seen): Promise<void> {
  for (const [database, written] of await asSuperuser(cluster, DATABASES, INITIAL_SUPERUSER)) {
    if (seen.get(database!) === written) continue
    const due = await asSuperuser(cluster, DUE, INITIAL_SUPERUSER, database!)
    const statements = due.flatMap(([table, vacuum, analyze]) => {
      if (vacuum === '1') return analyze === '1' ? `vacuum (analyze) ${table}` : `vacuum ${table}`
      return analyze === '1' ? `analyze ${table}` : []
    })
    if (statements.length > 0) await asSuperuser(cluster, statements, INITIAL_SUPERUSER, database!)
    seen.set(database!, written!)
  }
}
