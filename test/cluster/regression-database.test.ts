/** The database that PostgreSQL's own core tests leave on a native server is the same here, and goes back. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { dist } from '../../wasm/build/paths.js'
import { contentsOf, requireSound } from '../fixtures/contents.js'
import { connectionTo, type Program, program18, run } from '../fixtures/native-programs.js'
import { type EitherServer, SharedDirectory, type Side } from '../fixtures/shared-directory.js'
import { install } from '../postgres/installation.js'
import { runPgRegress } from '../postgres/pg-regress.js'

/** Milliseconds. The tests take native PostgreSQL a minute or two. */
const PATIENCE = 900_000

const DATABASE = 'regression'

let directory: SharedDirectory | undefined
afterAll(() => directory?.remove())

/** A change in each table that may have one, by which its indexes, toasted values and partitions change as well. */
const CHANGE = `
  do $$
  declare name regclass;
  begin
    for name in select c.oid from pg_class c where relkind = 'r' and relnamespace = 'public'::regnamespace and relpersistence = 'p'
      and not relispartition and not relhassubclass and relam = (select oid from pg_am where amname = 'heap')
    loop
      begin
        execute format('insert into %s select * from %1$s limit 10', name);
      exception when others then null; -- a constraint, a trigger or a rule has its reasons
      end;
      begin
        execute format('delete from %s where ctid in (select ctid from %1$s limit 3)', name);
      exception when others then null;
      end;
    end loop;
  end $$`

/** A checksum of its dump, which native pg_dump and that of this package write alike. */
async function dumped(server: EitherServer): Promise<string> {
  const own: Program = (args, env) =>
    spawn(join(dist, 'commands', 'pg_dump'), args, { env: { ...process.env, ...env } })
  const [native, ours] = await Promise.all(
    [await program18('pg_dump'), own].map(async program => {
      const { code, stdout, stderr } = await run(
        program,
        ['--restrict-key=none'],
        connectionTo(server, DATABASE),
      )
      if (code !== 0) throw new Error(stderr)
      return createHash('sha256')
        .update(stdout.replace(/^-- Dumped (from|by) .*$/gm, ''))
        .digest('hex')
    }),
  )
  expect(ours).toBe(native)
  return native!
}

/** A server of one side looks at the database, changes it, and looks again. */
async function turn(
  of: SharedDirectory,
  side: Side,
): Promise<Record<'before' | 'after', Record<string, string>>> {
  const server = await of.start(side, SETTINGS)
  const client = await server.connect(DATABASE)
  await requireSound(client)
  const before = { ...(await contentsOf(client)), pg_dump: await dumped(server) }
  await client.query(CHANGE)
  await requireSound(client)
  const after = { ...(await contentsOf(client)), pg_dump: await dumped(server) }
  await server.stop()
  await of.program('pg_checksums', ['--check'])
  return { before, after }
}

const SETTINGS = { max_connections: '60', max_prepared_transactions: '2', autovacuum: 'off' }

test(
  "what PostgreSQL's core tests make on a native server reads the same here, can be written to, and goes back",
  async () => {
    const installation = await install(process.execPath)
    directory = await SharedDirectory.make('native')
    const native = await directory.start('native', SETTINGS)
    const environment = { PGUSER: 'postgres', LC_ALL: 'C' }
    const outcomes = await runPgRegress(
      'regression',
      installation,
      'src/test/regress',
      installation.makeFolder('results'),
      { port: native.port, environment } as never,
      ['--schedule=parallel_schedule', '--max-connections=10'],
    )
    installation.remove()
    await native.stop()
    // Those that need the tests' own library in C fail, since Debian has none.
    const passed = outcomes.filter(({ result }) => result === 'passed')
    expect(passed.length).toBeGreaterThan(200)

    const first = await turn(directory, 'native')
    expect(Object.keys(first.before).length).toBeGreaterThan(300)
    const ours = await turn(directory, 'ours')
    expect(ours.before).toEqual(first.after)
    expect(ours.after).not.toEqual(ours.before)
    const back = await turn(directory, 'native')
    expect(back.before).toEqual(ours.after)
  },
  PATIENCE,
)
