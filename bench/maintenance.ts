/** Work on whole tables: index builds, VACUUM ANALYZE, CLUSTER, and what rewrites or checks each row. */
import { type Bench, inTurns, type Running, restart } from './bench.js'
import { connect } from './client.js'

export const MAINTENANCE = 'maintenance'

/** Rows of a full run, about 100 MB. */
const ROWS = 500_000

/** One process works, for the systems differ in whether they have others. */
const SESSION = `
  set max_parallel_maintenance_workers = 0;
  set maintenance_work_mem = '128MB'`

const STATEMENTS: Readonly<Record<string, string>> = {
  'index on int': 'create index maintained_int on maintained (place)',
  'index on text': 'create index maintained_text on maintained (label collate "C")',
  'index on jsonb, GIN': 'create index maintained_jsonb on maintained using gin (facts jsonb_path_ops)',
  'index, hash': 'create index maintained_hash on maintained using hash (label)',
  'vacuum analyze after updates': 'vacuum analyze maintained',
  cluster: 'cluster maintained using maintained_int',
  'add a column that is computed':
    'alter table maintained add twice bigint generated always as (place * 2::bigint) stored',
}

export async function measureMaintenance(bench: Bench, running: readonly Running[]): Promise<void> {
  const names = Object.keys(STATEMENTS)
  await inTurns(
    bench,
    running,
    names.map(name => ({ name: `${MAINTENANCE}: ${name}`, unit: 'ms' as const })),
    async ({ server }) => {
      const client = await connect(server.port)
      try {
        await client.query(SESSION)
        await client.query(table(Math.round(ROWS * bench.amount)))
        const times: number[] = []
        for (const [name, statement] of Object.entries(STATEMENTS)) {
          if (name.startsWith('vacuum'))
            await client.query('update maintained set place = place + 1 where id % 4 = 0')
          await client.query('checkpoint')
          const began = performance.now()
          await client.query(statement)
          times.push(performance.now() - began)
        }
        await client.query('drop table maintained')
        return times
      } finally {
        await client.end()
      }
    },
    restart,
  )
}

const table = (rows: number) => `
  drop table if exists maintained;
  create table maintained as
    select id, hashint4(id) & 2147483647 as place, md5(id::text) as label,
      jsonb_build_object('kind', 'k' || id % 40, 'size', (hashint4(-id) & 2147483647) % 1000, 'tags', jsonb_build_array(id % 13, id % 17)) as facts
    from generate_series(1, ${rows}) id`
