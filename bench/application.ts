/** What an application does on an ordinary day, as a mixture of short transactions by 16 clients on pgbench's tables. */
import { type Bench, inTurns, type Running, restart, Skipped } from './bench.js'
import { query } from './client.js'
import { percentile } from './measurement.js'
import { runPgbench, warmUp } from './run-pgbench.js'

const CLIENTS = 16

/** Seconds of a full run. */
const SECONDS = 60

const TABLES = `
  drop table if exists app_order, app_visit;
  create table app_order (
    id bigint generated always as identity primary key, account int not null, placed timestamptz not null default now(),
    state text not null default 'new', total numeric(10, 2) not null, detail jsonb not null);
  create index on app_order (account, placed);
  insert into app_order (account, total, detail)
    select 1 + i * 7919 % 1000000, i % 9973 / 100.0, jsonb_build_object('items', i % 9, 'city', 'city ' || i % 211)
    from generate_series(1, 50000) i;
  create table app_visit (page int primary key, visits bigint not null);
  insert into app_visit select i, 0 from generate_series(1, 1000) i`

const ACCOUNT = '\\set account random_zipfian(1, 1000000, 1.05)'

/** Each with how often it comes, of 100. */
const SCRIPTS: readonly (readonly [string, number])[] = [
  [`${ACCOUNT}\nselect * from pgbench_accounts where aid = :account;`, 45],
  [
    `${ACCOUNT}\nselect id, placed, state, total from app_order where account = :account order by placed desc limit 10;`,
    20,
  ],
  [
    `${ACCOUNT}
\\set total random(100, 99999)
begin;
update pgbench_accounts set abalance = abalance - 1 where aid = :account returning abalance;
insert into app_order (account, total, detail) values (:account, :total / 100.0, jsonb_build_object('items', 3, 'city', 'city 7'));
commit;`,
    12,
  ],
  [
    `${ACCOUNT}
update app_order set state = 'sent', detail = detail || '{"by": "post"}'
  where id = (select id from app_order where account = :account and state = 'new' order by placed limit 1);`,
    8,
  ],
  [
    `\\set page random_zipfian(1, 1000, 1.1)
insert into app_visit values (:page, 1) on conflict (page) do update set visits = app_visit.visits + 1;`,
    8,
  ],
  [
    `\\set first random(1, 999000)
select count(*), sum(abalance), max(abalance) from pgbench_accounts where aid between :first and :first + 500;`,
    5,
  ],
  [
    `select detail ->> 'city' as city, count(*), sum(total) from app_order
where id > (select max(id) - 2000 from app_order) group by city order by 3 desc limit 10;`,
    2,
  ],
]

export async function measureApplication(bench: Bench, running: readonly Running[]): Promise<void> {
  const seconds = Math.ceil(SECONDS * bench.amount)
  await inTurns(
    bench,
    running,
    [
      { name: `application, ${CLIENTS} clients`, unit: 'tps' },
      { name: `application, ${CLIENTS} clients, 50 %`, unit: 'ms' },
      { name: `application, ${CLIENTS} clients, 99 %`, unit: 'ms' },
    ],
    async ({ server, system }) => {
      if (system.shares) throw new Skipped(`clients share ${system.shares}`)
      await query(server.port, TABLES)
      await query(server.port, 'vacuum analyze app_order')
      const load = { clients: CLIENTS, args: ['-n', '-M', 'prepared'], scripts: SCRIPTS }
      await warmUp(bench.tree, server.port, load, bench.warmUp)
      await query(server.port, 'checkpoint')
      const { tps, latencies } = await runPgbench(
        bench.tree,
        server.port,
        { ...load, latencies: true },
        seconds,
      )
      return [tps, percentile(latencies, 50), percentile(latencies, 99)]
    },
    restart,
  )
}
