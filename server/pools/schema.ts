/**
 * The schema pglite_imports, which a server with pools has in its database postgres. A client calls its functions to take a database and
 * to give it back. The tables say which clones there should be, and DatabasePools makes and drops them.
 */

/** On this channel the functions tell the server that there is something to do, once their transaction has committed. */
export const CHANNEL = 'pglite_imports'

const TABLES = `
create schema if not exists pglite_imports;

create table if not exists pglite_imports.pool (
  template text primary key,
  size integer not null check (size > 0),
  generation integer not null default 1,
  failure text
);
comment on table pglite_imports.pool is 'databases of which clones are kept ready';
comment on column pglite_imports.pool.size is 'how many are kept ready';
comment on column pglite_imports.pool.generation is 'goes up when the template has changed: what was cloned before is dropped';
comment on column pglite_imports.pool.failure is 'why there are no more clones at present';

create table if not exists pglite_imports.database (
  name text primary key,
  template text not null,
  generation integer not null,
  state text not null default 'making' check (state in ('making', 'ready', 'taken', 'kept', 'given')),
  taken_at timestamptz
);
create index if not exists database_state on pglite_imports.database (template, state);
comment on table pglite_imports.database is 'clones: those in state given wait to be dropped, those in state kept stay';`

const OPEN = `
create or replace function pglite_imports.open_pool(template text, size integer default 8) returns void
begin atomic
  insert into pglite_imports.pool values (template, size)
    on conflict on constraint pool_pkey
    do update set size = excluded.size, generation = pool.generation + 1, failure = null;
  update pglite_imports.database set state = 'given'
    where database.template = open_pool.template and state = 'ready';
  select pg_notify('${CHANNEL}', '');
end;
comment on function pglite_imports.open_pool(text, integer) is
  'keeps so many clones of a database ready; call it again when the database has changed';

create or replace function pglite_imports.close_pool(template text) returns void
begin atomic
  delete from pglite_imports.pool where pool.template = close_pool.template;
  update pglite_imports.database set state = 'given'
    where database.template = close_pool.template and state = 'ready';
  select pg_notify('${CHANNEL}', '');
end;
comment on function pglite_imports.close_pool(text) is 'drops the clones that are ready; those that are taken stay';`

/**
 * Clients wait for each other by an advisory lock, which lets them through in the order in which they have come, and only the first of
 * them looks whether there is a clone. If none is ready, the server is making one, or the pool has a failure that says why it cannot.
 */
const TAKE = `
create or replace function pglite_imports.take_database(template text) returns text language plpgsql as $$
declare
  queue constant integer := hashtext('pglite_imports.take_database');
  place constant integer := hashtext(template);
  taken text;
  reason text;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'take_database() must be called in a transaction that is read committed'
      using errcode = 'active_sql_transaction';
  end if;
  -- Of the session: another client may take one before the transaction ends.
  perform pg_advisory_lock(queue, place);
  begin
    loop
      update pglite_imports.database d set state = 'taken', taken_at = clock_timestamp()
        where d.name = (select r.name from pglite_imports.database r
                          where r.template = take_database.template and r.state = 'ready'
                          limit 1 for update skip locked)
        returning d.name into taken;
      exit when found;
      select p.failure into reason from pglite_imports.pool p where p.template = take_database.template;
      if not found then
        raise exception 'there is no pool of clones of "%"', template using errcode = 'undefined_object',
          hint = format('Call pglite_imports.open_pool(%L) first.', template);
      elsif reason is not null then
        raise exception 'database "%" cannot be cloned: %', template, reason;
      end if;
      perform pg_sleep(0.001);
    end loop;
    perform pg_notify('${CHANNEL}', '');
  exception when query_canceled or others then
    perform pg_advisory_unlock(queue, place);
    raise;
  end;
  perform pg_advisory_unlock(queue, place);
  return taken;
end $$;
comment on function pglite_imports.take_database(text) is
  'takes a clone for the caller alone, and returns its name; waits until there is one';

create or replace function pglite_imports.give_database(name text) returns void language plpgsql as $$
begin
  update pglite_imports.database d set state = 'given' where d.name = give_database.name and d.state = 'taken';
  if not found then
    raise exception 'database "%" has not been taken from a pool', name using errcode = 'undefined_object';
  end if;
  perform pg_notify('${CHANNEL}', '');
end $$;
comment on function pglite_imports.give_database(text) is
  'drops a database that was taken, a moment later, with the sessions that are in it';

create or replace function pglite_imports.keep_database(name text) returns void language plpgsql as $$
begin
  update pglite_imports.database d set state = 'kept' where d.name = keep_database.name and d.state = 'taken';
  if not found then
    raise exception 'database "%" has not been taken from a pool', name using errcode = 'undefined_object';
  end if;
end $$;
comment on function pglite_imports.keep_database(text) is 'keeps a database that was taken: the server will not drop it';`

/** Creates the schema. Objects that exist already stay as they are. */
export const POOL_SCHEMA = `begin;
set local client_min_messages = warning;
${TABLES}
${OPEN}
${TAKE}
commit;`
