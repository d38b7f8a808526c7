/** What the editor completes: keywords, and the schemas, tables, columns and functions of the database. */
import { type Completion, type CompletionSource, completeFromList, ifNotIn } from '@codemirror/autocomplete'
import {
  keywordCompletionSource,
  PostgreSQL,
  type SQLNamespace,
  schemaCompletionSource,
} from '@codemirror/lang-sql'
import type { Extension } from '@codemirror/state'
import type { Observer } from '../connection/observer.js'
import { statementAt, statementsIn } from './statements.js'

const TABLES = `select n.nspname as schema, c.relname as name, quote_ident(c.relname) as quoted, c.relkind as kind, pg_table_is_visible(c.oid) as visible,
  (select json_agg(json_build_array(a.attname, quote_ident(a.attname), format_type(a.atttypid, a.atttypmod)) order by a.attnum)
   from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'v', 'm', 'f', 'p') and n.nspname !~ '^pg_(toast|temp)' order by n.nspname, c.relname limit 10000`

const FUNCTIONS = `select proname as name, quote_ident(proname) as quoted, min(case prokind when 'a' then 'aggregate' when 'w' then 'window' when 'p' then 'procedure'
  else format_type(prorettype, null) end) as detail from pg_proc where pg_function_is_visible(oid)
  and not (proargtypes::oid[] && array['internal'::regtype::oid, 'cstring'::regtype::oid]) and prorettype not in ('internal'::regtype, 'cstring'::regtype)
  and coalesce(obj_description(oid, 'pg_proc'), '') not like 'implementation of %'
  group by 1`

const KINDS: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  f: 'foreign table',
}

/** A table, and what the editor completes its name to. */
interface Table {
  readonly schema: string
  readonly name: string
  readonly visible: boolean
  readonly self: Completion
  readonly columns: readonly Completion[]
}

/** The language of the editor, with what is in the catalog now. */
export async function languageOf(observer: Observer): Promise<Extension> {
  const tables = (await observer.rows(TABLES)).map(tableOf)
  const functions = (await observer.rows(FUNCTIONS)).map(({ name, quoted, detail }): Completion => {
    return { label: name!, type: 'function', detail: detail ?? '', boost: -50, apply: quoted! }
  })
  return [
    PostgreSQL.language,
    ...[
      schemaCompletionSource({ dialect: PostgreSQL, schema: namespaceOf(tables) }),
      columnsOfStatement(tables),
      outsideOfPaths(keywordCompletionSource(PostgreSQL, false, keyword)),
      outsideOfPaths(completeFromList(functions)),
    ].map(autocomplete => PostgreSQL.language.data.of({ autocomplete })),
  ]
}

const keyword = (label: string, type: string): Completion => ({
  label: label.toLowerCase(),
  type,
  boost: -10,
})

function tableOf(row: Readonly<Record<string, string | null>>): Table {
  const columns = JSON.parse(row.columns ?? '[]') as [string, string, string][]
  return {
    schema: row.schema!,
    name: row.name!,
    visible: row.visible === 't',
    self: { label: row.name!, type: 'table', detail: KINDS[row.kind!] ?? '', apply: row.quoted! },
    columns: columns.map(([label, apply, detail]) => ({ label, apply, detail, type: 'column' })),
  }
}

/** Tables by schema and, those that need no schema, by name. */
function namespaceOf(tables: readonly Table[]): SQLNamespace {
  const schemas: Record<string, Record<string, SQLNamespace>> = {}
  const visible: Record<string, SQLNamespace> = {}
  for (const { schema, name, self, columns, visible: isVisible } of tables) {
    schemas[schema] ??= {}
    schemas[schema][name.replaceAll('.', '\\.')] = { self, children: columns }
    // Those of pg_catalog would hide the user's own.
    if (isVisible)
      visible[name.replaceAll('.', '\\.')] = {
        self: schema === 'pg_catalog' ? { ...self, boost: -20 } : { ...self, boost: 15 },
        children: columns,
      }
  }
  const named = Object.entries(schemas).map(([schema, children]) => [
    schema,
    { self: { label: schema, type: 'namespace', detail: 'schema' }, children },
  ])
  return { ...Object.fromEntries(named), ...visible }
}

/** Completes the columns of the tables that the statement at the cursor names. */
function columnsOfStatement(tables: readonly Table[]): CompletionSource {
  const byName = Map.groupBy(tables, ({ name }) => name)
  return outsideOfPaths(context => {
    const word = context.matchBefore(/[\w"]*/)
    if (word === null || (word.from === word.to && !context.explicit)) return null
    const text = context.state.doc.toString()
    const statement = statementAt(statementsIn(text), context.pos)
    const names = new Set(statement?.sql.match(/[\p{L}_][\p{L}\p{N}_$]*/gu))
    const options = [...names].flatMap(name =>
      (byName.get(name) ?? [])
        .filter(({ visible, schema }) => visible || names.has(schema))
        .flatMap(({ columns }) => columns.map(column => ({ ...column, boost: 20 }))),
    )
    return { from: word.from, options, validFor: /^[\w"]*$/ }
  })
}

/** Where nothing is completed by name. */
const ELSEWHERE = ['String', 'LineComment', 'BlockComment']

/** Leaves out numbers, strings, comments and what is after a dot, where only columns of that table and tables of that schema fit. */
function outsideOfPaths(source: CompletionSource): CompletionSource {
  return ifNotIn(ELSEWHERE, context =>
    context.matchBefore(/(\.\s*[\w"]*|\b\d\w*)$/) === null ? source(context) : null,
  )
}
