-- A database with every kind of object that a dump can contain and that this build has, and with data in it.

do $$ begin create role shop_reader; exception when duplicate_object then end $$;

create schema shop;
comment on schema shop is 'all there is';
set search_path = shop;

create type mood as enum ('sad', 'ok', 'happy');
create type item as (name text, amount int);
create type point2 as (x int, y int);
create type period as range (subtype = date);
create domain email as text constraint has_at check (value like '%_@_%');

create sequence ticket start 100 increment 5 cache 10;

create function total(a int, b int default 1) returns int language sql immutable return a + b;
create function longer(a text, b text) returns text language plpgsql immutable as $$
begin
	return case when length(b) > length(coalesce(a, '')) then b else a end;
end $$;
create aggregate longest(text) (sfunc = longer, stype = text);
create procedure refill(n int) language plpgsql as $$
begin
	for i in 1..n loop
		insert into shop.readings select i, j, repeat('r', j % 50) from generate_series(1, 100) j;
		commit;
	end loop;
end $$;
create function added(a point2, b point2) returns int language sql immutable return a.x + a.y + b.x + b.y;
create operator <+> (function = added, leftarg = point2, rightarg = point2, commutator = <+>);

create function backwards(a int, b int) returns int language sql immutable return b - a;
create operator family upside_down using btree;
create operator class int4_upside_down for type int using btree family upside_down as
	operator 1 >, operator 2 >=, operator 3 =, operator 4 <=, operator 5 <, function 1 backwards(int, int);

create function mood_to_int(m mood) returns int language sql immutable return case m when 'sad' then 0 when 'ok' then 1 else 2 end;
create cast (mood as int) with function mood_to_int(mood);
create conversion latin_again for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8;

create table customers (
	id int generated always as identity primary key,
	name text not null,
	mail email unique,
	feels mood default 'ok',
	upper_name text generated always as (upper(name)) stored,
	name_length int generated always as (length(name)) virtual,
	check (name <> '')
);
comment on table customers is 'who buys';
comment on column customers.mail is 'it''s quoted';
create table orders (
	id int default nextval('ticket'),
	customer int references customers on delete cascade deferrable initially deferred,
	ordered date not null,
	items item[],
	attributes jsonb default '{}',
	primary key (id, ordered)
) partition by range (ordered);
create table orders_2024 partition of orders for values from ('2024-01-01') to ('2025-01-01');
create table orders_2025 partition of orders for values from ('2025-01-01') to ('2026-01-01');
create table orders_other partition of orders default;
create table bookings (room int, during period, remark text);
alter table bookings add constraint no_overlap exclude using gist (during with &&);
alter table bookings add constraint room_is_positive check (room > 0) not valid;
create table animals (name text, legs int default 4);
create table birds (wings int default 2) inherits (animals);
alter table birds alter legs set default 2;
create unlogged table cache (key text primary key, value bytea);
create table readings (sensor int, at int, payload text) with (fillfactor = 70);
create table serials (id bigserial, note text collate "C");
create table audit (changes int);
insert into audit values (0);

create index by_attribute on orders using gin (attributes);
create index on customers using hash (name);
create index on readings using brin (at);
create index on customers (lower(name)) where feels = 'happy';
create index on readings (at int4_upside_down) include (payload);
create index words on readings using gin (to_tsvector('english', payload));
create index on customers using spgist (name);
cluster customers using customers_pkey;

create view happy_customers with (security_barrier) as select id, name from customers where feels = 'happy' with check option;
create materialized view order_counts as select customer, count(*) from orders group by customer;
create unique index on order_counts (customer);
create recursive view countdown (n) as values (3) union all select n - 1 from countdown where n > 0;
create rule no_delete as on delete to audit do instead nothing;

create function count_change() returns trigger language plpgsql as $$
begin
	update shop.audit set changes = changes + 1;
	return new;
end $$;
create trigger audited after insert or update on orders for each row execute function count_change();
create constraint trigger checked_late after insert on customers deferrable initially deferred
	for each row when (new.name = 'nobody') execute function count_change();
create function refuse_drop() returns event_trigger language plpgsql as $$ begin null; end $$;
create event trigger on_drop on sql_drop execute function refuse_drop();

alter table customers enable row level security;
create policy short_names on customers for select to shop_reader using (length(name) < 4);
grant usage on schema shop to shop_reader;
grant select (id, name) on customers to shop_reader;
alter default privileges in schema shop grant select on tables to shop_reader;

create statistics related (dependencies, ndistinct, mcv) on sensor, at from readings;
create text search dictionary plain_english (template = snowball, language = english);
create text search configuration plain (copy = simple);
alter text search configuration plain alter mapping for asciiword with plain_english;

create foreign data wrapper nowhere options (debug 'true');
create server far_away foreign data wrapper nowhere options (host 'x');
create user mapping for postgres server far_away options (user 'y');
create foreign table distant (id int options (column_name 'other'), name text) server far_away;

create publication everything_sold for table customers where (id > 0), table orders with (publish = 'insert, update');
create schema shelf;
create publication all_on_the_shelf for tables in schema shelf;
create subscription from_afar connection 'host=192.0.2.1 dbname=x' publication p with (connect = false);

insert into customers (name, mail, feels)
	select n, n || '@example.org', m::mood from (values ('Ada', 'happy'), ('Grace', 'ok'), ('Bo', null), (E'tab\tand\nline \\ ä€😀', 'sad')) t (n, m);
insert into orders (customer, ordered, items, attributes)
	select 1 + i % 4, date '2024-06-01' + i, array[row('item ' || i, i)::item, null], jsonb_build_object('n', i, 'tags', array['a', null])
	from generate_series(1, 700) i;
insert into bookings select i, period(date '2024-01-01' + i, date '2024-01-02' + i), null from generate_series(1, 20) i;
insert into birds (name) values ('crow');
insert into cache values ('k', '\x00ff80'), ('empty', '');
insert into serials (note) select 'note ' || i from generate_series(1, 10) i;
call refill(20);
refresh materialized view order_counts;
select lo_from_bytea(4711, decode(repeat('00ff', 5000), 'hex'));
comment on large object 4711 is 'a large object';
grant select on large object 4711 to shop_reader;
