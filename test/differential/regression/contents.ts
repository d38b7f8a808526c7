/** Statements that look once at everything in a database: the rows and plans of tables and views, and how the server writes definitions. */
import type { Catalog, Relation } from './catalog.js'

const DEFINITIONS = [
  ...[false, true].map(
    pretty =>
      `select c.oid::regclass::text, pg_get_viewdef(c.oid, ${pretty}) from pg_class c where relkind in ('v', 'm')`,
  ),
  "select p.oid::regprocedure::text, pg_get_functiondef(p.oid) from pg_proc p where prokind in ('f', 'p') and pronamespace <> 'pg_catalog'::regnamespace",
  'select p.oid::regprocedure::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid) from pg_proc p',
  'select indexrelid::regclass::text, pg_get_indexdef(indexrelid), pg_get_indexdef(indexrelid, 1, true) from pg_index',
  'select conrelid::regclass::text, conname, pg_get_constraintdef(oid), pg_get_constraintdef(oid, true) from pg_constraint',
  'select ev_class::regclass::text, rulename, pg_get_ruledef(oid, true) from pg_rewrite',
  'select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid, true) from pg_trigger',
  'select oid::text, pg_get_statisticsobjdef(oid), pg_get_statisticsobjdef_expressions(oid) from pg_statistic_ext',
  'select partrelid::regclass::text, pg_get_partkeydef(partrelid) from pg_partitioned_table',
  'select oid::regclass::text, pg_get_partition_constraintdef(oid), pg_get_expr(relpartbound, oid) from pg_class where relispartition',
  'select adrelid::regclass::text, adnum, pg_get_expr(adbin, adrelid) from pg_attrdef',
  'select * from pg_policies',
  'select oid::text, pg_describe_object(classid, objid, objsubid) from (select classid, objid, objsubid, objid as oid from pg_depend) d',
  'select pg_identify_object(classid, objid, objsubid)::text from pg_depend',
  'select oid::regtype::text, format_type(oid, typtypmod), typdefault from pg_type',
]

/** Each to be executed in a transaction. */
export function contents({ relations }: Catalog): string[][] {
  return [
    ...DEFINITIONS.map(query => [query]),
    ...relations.flatMap(relation =>
      relation.system ? [[`select * from ${relation.name}`]] : own(relation),
    ),
  ]
}

function own({ name, kind, rows }: Relation): string[][] {
  const [schema, table] = name.includes('.') ? name.split('.') : ['public', name]
  const analyzed = [
    [
      `analyze ${name}`,
      `select * from pg_stats where schemaname = '${schema}' and tablename = '${table}'`,
      `explain select * from ${name}`,
      `explain select count(*) from ${name} x group by x`,
    ],
  ]
  return [
    [`select * from ${name}`],
    [`explain (verbose, costs off) select * from ${name}`],
    [`explain select * from ${name}`],
    ...(kind === 'r' && rows < 30_000 ? analyzed : []),
  ]
}
