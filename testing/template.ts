/**
 * Makes the template for given options once: its name has a hash of the files and of the function that make it. The first process that
 * needs the template makes it, under another name until it is complete; other processes wait for a lock in the cluster.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import pg, { type Client } from 'pg'
import { filesOf } from './files.js'
import type { TemplateOptions } from './options.js'

/** The comment on the databases that are templates, which marks them. */
const COMMENT = 'template of pglite-imports-server/testing'

/** The number of an advisory lock. All templates have the same, so that one is made at a time. */
const LOCK = "select pg_advisory_lock(hashtext('pglite-imports-server/testing'))"

const OLD = `select datname as name from pg_database
  where shobj_description(oid, 'pg_database') = $1 and datname not in ($2, $3)`

/** The name of the template that these options make. */
export function templateName({ files = [], migrate }: TemplateOptions): string {
  const hash = createHash('sha256').update(migrate?.toString() ?? '')
  for (const file of filesOf(files)) {
    const content = readFileSync(file)
    hash.update(`\n${relative(process.cwd(), file)} ${content.length}\n`).update(content)
  }
  return `template_${hash.digest('hex').slice(0, 16)}`
}

/**
 * Makes a template if there is none of the same content, and drops those of other contents. Several processes may do so at once.
 *
 * @param url of the server, as a superuser
 * @returns its name, for server.databases()
 */
export async function template(url: string, options: TemplateOptions): Promise<string> {
  const name = templateName(options)
  const client = new pg.Client(urlOf(url, 'postgres'))
  await client.connect()
  try {
    await client.query(LOCK)
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name])
    if (rowCount === 0) await make(client, url, name, options)
  } finally {
    await client.end()
  }
  return name
}

async function make(client: Client, url: string, name: string, options: TemplateOptions): Promise<void> {
  const unfinished = `${name}_unfinished`
  await client.query(`drop database if exists ${unfinished} with (force)`)
  await client.query(`create database ${unfinished}`)
  await migrate(urlOf(url, unfinished), options)
  await client.query(`comment on database ${unfinished} is '${COMMENT}'`)
  await client.query(`alter database ${unfinished} rename to ${name}`)
  const { rows } = await client.query<{ name: string }>(OLD, [COMMENT, name, unfinished])
  for (const old of rows)
    await client.query(`drop database ${client.escapeIdentifier(old.name)} with (force)`)
}

async function migrate(url: string, { files: patterns = [], migrate }: TemplateOptions): Promise<void> {
  const files = filesOf(patterns)
  const client = new pg.Client(url)
  await client.connect()
  try {
    if (migrate !== undefined) await migrate({ url, client, files })
    else for (const file of files) await execute(client, file)
  } finally {
    await client.end()
  }
}

async function execute(client: Client, file: string): Promise<void> {
  try {
    await client.query(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error })
  }
}

/** The same server's connection string for another database. */
export function urlOf(url: string, database: string): string {
  const other = new URL(url)
  other.pathname = `/${encodeURIComponent(database)}`
  return other.href
}
