-- What the training run of `npm run profile` does in one session, beside the short transactions that train.ts sends. It is what
-- programs spend their time in, in about equal parts. A blank line ends a statement.

create table account (id int primary key, branch int not null, owner text not null, balance numeric(12, 2) not null, opened timestamptz not null default now(), filler char(40))

create table entry (id bigint generated always as identity primary key, account int not null references account, amount numeric(12, 2) not null, made timestamp not null, kind text not null, note text, detail jsonb)

create table reading (sensor int, at timestamptz, value float8, ok bool, tags text[])

create table word (id int primary key, lemma text collate "C", spelling text, search tsvector)

insert into account select i, i % 37, 'owner ' || (i * 7919 % 10007), (i * 31 % 9973)::numeric / 4, timestamptz '2025-01-01' + i * interval '17 minutes', 'x' from generate_series(1, 20000) i

insert into entry (account, amount, made, kind, note, detail)
  select 1 + i * 7907 % 20000, (i * 37 % 20011 - 10000)::numeric / 100, timestamp '2025-03-01' + i * interval '41 seconds',
    (array['deposit', 'withdrawal', 'fee', 'interest', 'transfer'])[1 + i % 5], md5(i::text),
    jsonb_build_object('channel', case when i % 3 = 0 then 'web' else 'desk' end, 'place', i % 211, 'lines', jsonb_build_array(i % 13, i % 17, 'l' || i % 19), 'nested', jsonb_build_object('deep', i % 5 = 0, 'name', 'n' || i % 101))
  from generate_series(1, 60000) i

insert into reading select i % 97, timestamptz '2025-05-01' + i * interval '3 seconds', sin(i / 50.0) * 20 + i % 11, i % 101 <> 0, array['r' || i % 7, 'z' || i % 5] from generate_series(1, 80000) i

insert into word select i, md5(i::text), 'Spelling ' || substr(md5((i * 3)::text), 1, 8), to_tsvector('english', 'the ' || (array['running', 'databases', 'queries', 'faster', 'windows', 'indexes', 'sorting', 'memories'])[1 + i % 8] || ' of ' || (array['written', 'transactions', 'isolated', 'locks', 'readers', 'joins', 'planners'])[1 + i % 7] || ' are ' || md5(i::text)) from generate_series(1, 12000) i

create index on entry (account, made)

create index on entry (kind, amount)

create index on entry (note)

create index on entry using gin (detail)

create index on reading using brin (at)

create index on reading (sensor, at)

create index on word using gin (search)

create index on word (lower(spelling))

create unique index on word (lemma)

create index on account using hash (owner)

vacuum analyze

select count(*), sum(amount), min(made), max(note) from entry where amount > 0 and kind <> 'fee'

select kind, count(*), sum(amount), avg(amount), max(made) from entry group by kind order by 2 desc

select account, count(distinct kind), sum(amount) filter (where kind = 'fee') from entry group by account having count(*) > 2 order by 3, 1 limit 20

select note, count(*) from entry group by note order by note desc limit 5

select substr(note, 1, 3) as part, count(*), max(length(note)) from entry group by part order by 2 desc, 1 limit 5

select a.branch, e.kind, count(*), sum(e.amount) from entry e join account a on a.id = e.account group by a.branch, e.kind order by 1, 2

select count(*) from entry e join account a on a.id = e.account join entry f on f.id = e.id + 1 where f.kind = e.kind or a.branch = 3

select a.owner, l.last, l.amount from account a, lateral (select made as last, amount from entry e where e.account = a.id order by made desc limit 1) l order by a.id limit 2000

select count(*) from account a where exists (select from entry e where e.account = a.id and e.amount > 90) and a.id not in (select account from entry where kind = 'fee' and amount < -90)

select sum(running), max(place) from (select sum(amount) over (partition by account order by made) as running, row_number() over (partition by kind order by amount desc, id) as place, lag(amount) over (order by id) as before from entry) s

select ntile, count(*), min(value), max(value) from (select ntile(10) over (order by value) as ntile, value from reading) n group by ntile order by ntile

select sensor, date_trunc('hour', at) as hour, avg(value), stddev(value), percentile_cont(0.9) within group (order by value), corr(value, extract(epoch from at)) from reading where ok group by sensor, hour order by 1, 2 limit 50

select sum(sqrt(abs(value)) * exp(-abs(value) / 10) + ln(1 + abs(value)) - floor(value) + value ^ 2) from reading

select sum(a.value * b.value), count(*) from reading a join reading b on a.sensor = b.sensor and b.at = a.at + interval '291 seconds'

select detail ->> 'channel' as channel, count(*), sum((detail ->> 'place')::int), count(*) filter (where detail @> '{"nested": {"deep": true}}'), count(distinct detail #>> '{nested,name}') from entry group by channel

select line, count(*) from entry, jsonb_array_elements_text(detail -> 'lines') line group by line order by 2 desc, 1 limit 5

select count(*) from entry where detail @? '$.lines[*] ? (@ > 10)' or detail -> 'nested' ->> 'name' like 'n1%'

select jsonb_agg(jsonb_set(detail, '{place}', to_jsonb(id))) is null, count(detail || '{"new": [1, 2, 3]}'::jsonb) from entry where id < 8000

select count(*) from word where search @@ to_tsquery('english', '(index | query) & !lock')

select ts_rank(search, q) as rank, id from word, to_tsquery('english', 'database | sort') q where search @@ q order by rank desc, id limit 10

select count(*) filter (where lemma ~ '^[a-f]+[0-9]{2,4}'), count(*) filter (where spelling ilike '%ab%'), sum(length(regexp_replace(lemma, '[0-9]+', '-', 'g'))), count(*) filter (where spelling like 'Spelling a%') from word

select string_agg(upper(spelling) || '/' || lpad(id::text, 8, '0') || reverse(lemma), ',' order by lemma) is null, sum(position('ab' in lemma)), count(split_part(spelling, ' ', 2)) from word

select md5(string_agg(to_char(made, 'YYYY-MM-DD HH24:MI:SS.MS TZ') || to_char(amount, 'FM999G990D00'), ';')) from entry where id < 15000

select count(*), sum(extract(dow from made)), max(age(made)), min(made + interval '1 month' - interval '36 hours'), count(distinct made::date) from entry

select sum(round(amount * 1.19 / 7, 4)), sum(amount % 3), max(amount * amount * amount), sum(amount::float8), sum(amount::int) from entry

select * from entry order by note, id limit 10

select * from (select id, made, amount from entry order by amount, made, id) s offset 50000 limit 10

select owner, balance from account order by balance desc, owner limit 100

select tags, count(*), array_agg(distinct sensor) from reading where 'r3' = any (tags) or tags && array['z1'] group by tags order by 1

select count(*) from unnest(array(select id from entry)) u where u % 3 = 0

with recursive tree(id, depth) as (select 1, 0 union all select id * 2 + s, depth + 1 from tree, (values (0), (1)) v(s) where depth < 14) select count(*), max(depth), sum(id) from tree

with recursive walk(step, place) as (select 1, 1 union all select step + 1, 1 + place * 7919 % 20011 from walk where step < 60000) select count(distinct place), max(step) from walk

select count(*) from generate_series(1, 400000) i where i % 7 = 3 or i * 3 % 5 = 1

select sum(case when i % 3 = 0 then i when i % 3 = 1 then -i else coalesce(nullif(i, 5), 0) end), sum(i::bigint * i), count(greatest(i, 100)) from generate_series(1, 200000) i

create function steps(up_to int) returns bigint language plpgsql as $$
declare
  n bigint;
  total bigint := 0;
begin
  for start in 1 .. up_to loop
    n := start;
    while n <> 1 loop
      if n % 2 = 0 then n := n / 2; else n := 3 * n + 1; end if;
      total := total + 1;
    end loop;
  end loop;
  return total;
end $$

select steps(2500)

create function text_of(parts int) returns text language plpgsql as $$
declare
  result text := '';
  places int[] := '{}';
  item record;
begin
  for i in 1 .. parts loop
    result := result || chr(97 + i % 26) || i::text;
    places := places || i;
    if length(result) > 400 then result := substr(result, 200); end if;
  end loop;
  for item in select id, note, amount from entry where id <= parts order by id loop
    result := left(result || item.note || round(item.amount, 1), 300);
  end loop;
  begin
    perform 1 / (parts - parts);
  exception when division_by_zero then
    result := format('%s: %L of %s', 'none', result, array_length(places, 1));
  end;
  return result;
end $$

select length(text_of(6000))

create function float_sum(n int) returns float8 language plpgsql as $$
declare
  x float8 := 0;
  y float8;
begin
  for i in 1 .. n loop
    y := i * 0.5;
    x := x + sqrt(y) / (1 + y * y) - 0.25 * x;
  end loop;
  return x;
end $$

select float_sum(60000)

create function fibonacci(n int) returns int language plpgsql as $$
begin
  if n < 2 then return n; end if;
  return fibonacci(n - 1) + fibonacci(n - 2);
end $$

select fibonacci(19)

create function branch_of(int) returns int language sql stable as 'select branch from account where id = $1'

select sum(branch_of(account)) from entry where id < 20000

create function count_change() returns trigger language plpgsql as $$
begin
  new.filler := 'changed ' || coalesce(old.balance, 0);
  return new;
end $$

create trigger on_change before update on account for each row execute function count_change()

update account set balance = balance * 1.01, filler = null where id % 3 = 0

update entry set amount = amount + 1, note = note || 'x' where id % 4 = 0

delete from entry where id % 10 = 7

insert into account select id + 10000, branch, owner, balance, opened, filler from account on conflict (id) do update set balance = account.balance + excluded.balance, owner = excluded.owner

merge into account a using (select account, sum(amount) as sum from entry group by account) e on a.id = e.account when matched and e.sum > 0 then update set balance = balance + e.sum when matched then do nothing when not matched then insert values (e.account, 0, 'new', e.sum, now(), null)

vacuum analyze

reindex table entry

cluster account using account_pkey

copy entry to '@FOLDER@/entry.text'

copy entry to '@FOLDER@/entry.csv' with (format csv, header)

copy reading to '@FOLDER@/reading.binary' with (format binary)

create table entry_copy (like entry including all)

copy entry_copy from '@FOLDER@/entry.text'

truncate entry_copy

copy entry_copy from '@FOLDER@/entry.csv' with (format csv, header)

create table reading_copy (like reading)

copy reading_copy from '@FOLDER@/reading.binary' with (format binary)

create materialized view branch_total as select branch, count(*), sum(balance) from account group by branch

refresh materialized view branch_total

create view overview as select a.id, a.owner, a.branch, t.sum, (select count(*) from entry e where e.account = a.id) as entries from account a left join branch_total t using (branch)

select * from overview where id between 100 and 400

create table part (id int, day date, value text) partition by range (day)

create table part_1 partition of part for values from ('2025-01-01') to ('2025-02-01')

create table part_2 partition of part for values from ('2025-02-01') to ('2025-03-01')

create table part_rest partition of part default

insert into part select i, date '2025-01-01' + i % 90, 'value ' || i from generate_series(1, 20000) i

select day, count(*) from part where day between '2025-01-10' and '2025-02-10' group by day order by day

select count(*) from part p join part q on p.id = q.id + 1 and p.day > q.day

set enable_hashjoin = off

select a.branch, count(*) from entry e join account a on a.id = e.account group by a.branch order by 1

set enable_mergejoin = off

select count(*) from entry e join account a on a.id = e.account where e.id < 10000

reset enable_hashjoin

reset enable_mergejoin

set work_mem = '256kB'

select count(*) from (select note, made from entry order by note, made) s

select count(*) from (select distinct note, kind from entry) s

select count(*) from entry e join entry_copy c on c.note = e.note

reset work_mem

set enable_seqscan = off

select count(*) from entry where account between 500 and 4000 and made > '2025-03-05'

select count(*) from entry where kind = 'fee' and amount between -20 and 20 or note > 'f0'

reset enable_seqscan

explain (costs off) select * from overview o join entry e on e.account = o.id join account a on a.id = e.account left join reading r on r.sensor = a.branch left join word w on w.id = r.sensor join part p on p.id = w.id where o.id = 5 and e.made > now() - interval '1 year' and (a.owner like 'o%' or p.value in ('a', 'b', 'c')) order by e.amount, r.at

select c.relname, n.nspname, pg_get_userbyid(c.relowner), pg_size_pretty(pg_table_size(c.oid)), obj_description(c.oid, 'pg_class') from pg_class c left join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_toast' order by 1, 2

select a.attname, format_type(a.atttypid, a.atttypmod), (select substring(pg_get_expr(d.adbin, d.adrelid, true) for 128) from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum and a.atthasdef), a.attnotnull from pg_attribute a where a.attnum > 0 and not a.attisdropped order by a.attrelid, a.attnum

select conname, pg_get_constraintdef(oid, true), indexdef from pg_constraint left join pg_indexes on indexname = conname

select table_schema, table_name, column_name, data_type from information_schema.columns order by 1, 2, ordinal_position

select count(*) from pg_proc p join pg_type t on t.oid = p.prorettype join pg_language l on l.oid = p.prolang where p.proname like '%int%'
