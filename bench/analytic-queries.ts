/**
 * A set of queries that are nothing but computing: all data fits into shared_buffers, sorts and hash tables into work_mem.
 * Each stands for a part of PostgreSQL that programs spend their time in. The data is made by hash functions, so it is
 * the same everywhere, and every answer can be compared; no answer depends on floating point.
 */

/** Run on each connection: one process computes, for the systems differ in whether they have others. */
export const SESSION = `
  set max_parallel_workers_per_gather = 0;
  set work_mem = '64MB';
  set timezone = 'UTC'`

export const TABLES = 'sale, customer, document'

export const SCHEMA = `
  drop table if exists ${TABLES};
  create table customer as
    select id, 'Customer ' || id as name, 'region ' || abs(hashint4(id)) % 12 as region,
      jsonb_build_object(
        'active', id % 3 = 0,
        'city', 'city ' || abs(hashint4(id + 1)) % 100,
        'visits', abs(hashint4(id + 2)) % 50,
        'tags', jsonb_build_array('t' || id % 7, 't' || id % 11, 't' || id % 13)) as profile
    from generate_series(1, 20000) id;
  create table sale as
    select id, 1 + abs(hashint4(id)) % 20000 as customer, 1 + abs(hashint4(-id)) % 1000 as product,
      1 + id % 9 as quantity, (abs(hashint4(id + 7)) % 100000)::numeric / 100 as price,
      timestamp '2026-01-01' + make_interval(secs => abs(hashint4(id + 9)) % 31536000) as sold,
      md5(id::text) as note
    from generate_series(1, 200000) id;
  create table document as
    select id, (
      select string_agg(
        (array['database', 'running', 'queries', 'faster', 'window', 'indexes', 'sorted', 'memory', 'joining', 'the', 'of',
          'written', 'transaction', 'isolated', 'locking', 'readers'])[1 + abs(hashint4(id * 64 + word)) % 16], ' ')
      from generate_series(1, 40) word) as body
    from generate_series(1, 4000) id;
  create or replace function collatz_steps(up_to int) returns bigint language plpgsql as $$
  declare
    n bigint;
    steps bigint := 0;
  begin
    for start in 1 .. up_to loop
      n := start;
      while n <> 1 loop
        if n % 2 = 0 then
          n := n / 2;
        else
          n := 3 * n + 1;
        end if;
        steps := steps + 1;
      end loop;
    end loop;
    return steps;
  end $$`

export const QUERIES: Readonly<Record<string, string>> = {
  aggregate: `
    select product, count(*), sum(quantity) as pieces, min(sold) as first, max(sold) as last, count(distinct customer)
    from sale group by product order by pieces desc, product limit 5`,
  sort: `
    select md5(string_agg(note, '' order by place)) from (
      select note, row_number() over () as place from (select note from sale order by note, id) sorted) numbered
    where place % 1000 = 0`,
  'hash join': `
    select c.region, count(*), sum(s.quantity) as pieces
    from sale s join customer c on c.id = s.customer join sale t on t.id = s.id + 1 and t.product <> s.product
    group by c.region order by c.region`,
  window: `
    select count(*), sum(running) as running, max(gap) as gap from (
      select sum(quantity) over (partition by customer order by sold, id) as running,
        sold - lag(sold) over (partition by customer order by sold, id) as gap,
        rank() over (partition by customer order by quantity) as place
      from sale) s
    where place < 5`,
  jsonb: `
    select profile ->> 'city' as city, count(*), sum((profile ->> 'visits')::int) as visits,
      count(*) filter (where profile @> '{"active": true}') as active,
      max(jsonb_array_length(profile -> 'tags')) as tags, count(distinct tag)
    from customer cross join lateral jsonb_array_elements_text(profile -> 'tags') tag
    group by city order by visits desc, city limit 5`,
  'text search': `
    select count(*), sum(length(to_tsvector('english', body)))
    from document
    where to_tsvector('english', body) @@ to_tsquery('english', 'database & (query | index) & !lock')`,
  regex: `
    select count(*) filter (where note ~ '([a-f])\\1[0-9]{2}'), count(*) filter (where note ~* '^(a|b|c).*(dead|beef)'),
      sum(length(regexp_replace(note, '[0-9]+', '#', 'g')))
    from sale where id <= 40000`,
  numeric: `
    select product % 10 as part, round(sum(price * quantity * 1.19 / (1 + product % 7)), 6) as total,
      round(avg(price), 6) as average, round(stddev(price), 6) as deviation
    from sale group by part order by part`,
  'recursive query': `
    with recursive walk(step, place) as (
      select 1, 1 union all select step + 1, 1 + abs(hashint4(place + step)) % 20000 from walk where step < 150000)
    select count(distinct place), max(step), sum(place) from walk`,
  'PL/pgSQL': 'select collatz_steps(4000)',
}
