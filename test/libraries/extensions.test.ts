/** The extensions that come along: each can be created, and those that many use do what they are for. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const dist = new URL('../../wasm/dist/', import.meta.url)
const modules: string[] = JSON.parse(readFileSync(new URL('manifest.json', dist), 'utf8')).modules
const extensions = readdirSync(new URL('share/extension', dist))
  .filter(name => name.endsWith('.control'))
  .map(name => name.slice(0, -'.control'.length))

describe('every', () => {
  const server = useServer()

  it.each(extensions.filter(name => name !== 'plpgsql'))('extension can be created: %s', async name => {
    const client = await server.connect()
    await client.query('begin')
    await client.query(`create extension "${name}" cascade`)
    const { rows } = await client.query(
      `select extversion = default_version as current
         from pg_extension join pg_available_extensions on name = extname where extname = $1`,
      [name],
    )
    expect(rows).toEqual([{ current: true }])
    await client.query('rollback')
  })

  it.each(modules)('module can be loaded: %s', async name => {
    const client = await server.connect()
    await client.query(`load '${name}'`)
  })
})

/** An extension, statements to prepare with, a query, and the only row of its result. */
const USES: [string, string, string, unknown[]][] = [
  ['amcheck', '', `select bt_index_check('pg_class_oid_index', true)::text, verify_heapam('pg_class')`, []],
  [
    'bloom',
    'create table b as select g % 7 as a, g % 11 as b from generate_series(1, 1000) g; create index on b using bloom (a, b); set local enable_seqscan = off',
    'select count(*)::int from b where a = 3 and b = 5',
    [13],
  ],
  [
    'btree_gin',
    'create table t (a int, b text[]); create index on t using gin (a, b); insert into t values (1, array[$$x$$]); set local enable_seqscan = off',
    "select count(*)::int from t where a = 1 and b @> array['x']",
    [1],
  ],
  ['citext', '', `select 'Straße'::citext = 'STRAßE'`, [true]],
  ['cube', '', `select cube(array[0, 0]) <-> cube(array[3, 4])`, [5]],
  ['dict_int', '', `select ts_lexize('intdict', '12345678')`, [['123456']]],
  [
    'earthdistance',
    '',
    `select round(earth_distance(ll_to_earth(52.52, 13.405), ll_to_earth(48.137, 11.575)) / 1000)`,
    [505],
  ],
  [
    'fuzzystrmatch',
    '',
    `select levenshtein('kitten', 'sitting'), soundex('Robert'), metaphone('GUMBO', 4), daitch_mokotoff('Peters')`,
    [3, 'R163', 'KM', ['739400', '734000']],
  ],
  ['hstore', '', `select 'a=>1, b=>2'::hstore -> 'b', hstore_to_json('x=>"y z"')`, ['2', { x: 'y z' }]],
  ['intagg', '', 'select int_array_aggregate(g) from generate_series(1, 3) g', [[1, 2, 3]]],
  [
    'intarray',
    'create table a (v int[]); create index on a using gist (v gist__int_ops); insert into a select array[g, g + 1] from generate_series(1, 100) g; set local enable_seqscan = off',
    `select count(*)::int, sort(array[3, 1, 2], 'desc') from a where v @@ '1 | 50'::query_int`,
    [3, [3, 2, 1]],
  ],
  ['isn', '', `select isbn('978-0-393-04002-9')::text`, ['0-393-04002-X']],
  [
    'lo',
    'create table f (o lo); create trigger t before update or delete on f for each row execute function lo_manage(o); insert into f values (lo_creat(-1)); delete from f',
    'select count(*)::int from pg_largeobject_metadata',
    [0],
  ],
  [
    'ltree',
    'create table l (p ltree); create index on l using gist (p); insert into l values ($$Top.Science.Astronomy$$), ($$Top.Hobbies$$); set local enable_seqscan = off',
    `select count(*)::int, min(subpath(p, 1)::text) from l where p <@ 'Top.Science'`,
    [1, 'Science.Astronomy'],
  ],
  ['pageinspect', '', `select special, pagesize from page_header(get_raw_page('pg_class', 0))`, [8192, 8192]],
  ['pg_buffercache', '', 'select buffers_used > 0 from pg_buffercache_summary()', [true]],
  ['pg_freespacemap', '', `select count(*) > 0 from pg_freespace('pg_class')`, [true]],
  ['pg_prewarm', '', `select pg_prewarm('pg_class') > 0`, [true]],
  [
    'pg_trgm',
    'create table w as select md5(g::text) as t from generate_series(1, 2000) g; create index on w using gin (t gin_trgm_ops); set local enable_seqscan = off',
    `select count(*)::int, round(similarity('word', 'two words')::numeric, 4)::text from w where t like '%c4ca4238%'`,
    [1, '0.3636'],
  ],
  ['pg_visibility', '', `select count(*) >= 0 from pg_visibility('pg_class')`, [true]],
  [
    'pg_walinspect',
    '',
    `select count(*) > 0 from pg_control_checkpoint(), pg_get_wal_stats(redo_lsn, pg_current_wal_flush_lsn())`,
    [true],
  ],
  ['pgstattuple', '', `select tuple_count > 0 from pgstattuple('pg_class')`, [true]],
  [
    'pgcrypto',
    '',
    `select encode(digest('abc', 'sha256'), 'hex'),
            encode(hmac('what do ya want for nothing?', 'Jefe', 'sha256'), 'hex'),
            crypt('U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.'),
            crypt('secret', gen_salt('bf', 4)) like '$2a$04$%',
            pgp_sym_decrypt(pgp_sym_encrypt('Grüße', 'key', 'compress-algo=1, cipher-algo=aes256'), 'key'),
            convert_from(decrypt(encrypt('text', 'key', 'bf'), 'key', 'bf'), 'UTF8'),
            length(gen_random_bytes(16)), gen_random_bytes(16) <> gen_random_bytes(16)`,
    [
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
      '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
      ...[true, 'Grüße', 'text', 16, true],
    ],
  ],
  ['seg', '', `select '1 .. 5'::seg && '4 .. 9'::seg`, [true]],
  [
    'moddatetime',
    `create table m (a int, changed timestamptz default 'epoch'); create trigger t before update on m for each row execute function moddatetime(changed); insert into m values (1); update m set a = 2`,
    'select changed = now() from m',
    [true],
  ],
  [
    'tablefunc',
    '',
    `select r, a, b from crosstab('values (1, 1, 10), (1, 2, 20)') as ct(r int, a int, b int)`,
    [1, 10, 20],
  ],
  [
    'tsm_system_rows',
    'create table s as select generate_series(1, 100)',
    'select count(*)::int from s tablesample system_rows(10)',
    [10],
  ],
  [
    'tsm_system_time',
    'create table s as select generate_series(1, 100)',
    'select count(*)::int from s tablesample system_time(60000)',
    [100],
  ],
  [
    '"uuid-ossp"',
    '',
    `select uuid_generate_v5(uuid_ns_dns(), 'www.example.com')::text, uuid_generate_v4() <> uuid_generate_v4(),
            substr(uuid_generate_v1()::text, 15, 1), substr(uuid_generate_v1mc()::text, 15, 1)`,
    ['2ed6657d-e927-568b-95e1-2665a8aea6a2', true, '1', '1'],
  ],
  [
    'vector',
    `create table v as select g as id, array[sin(g), cos(g), g % 7]::vector(3) as e from generate_series(1, 500) g;
     create index on v using hnsw (e vector_l2_ops); set local enable_seqscan = off`,
    `select array_agg(id) = (select array_agg(id) from (select id from v order by (e <-> '[0.5,0.5,3]') + 0 limit 5) b),
            '[1,2,3]'::vector <#> '[4,5,6]', l2_normalize('[3,4]'::halfvec)::text
       from (select id from v order by e <-> '[0.5,0.5,3]' limit 5) a`,
    [true, -32, '[0.60009766,0.7998047]'],
  ],
  [
    'vector',
    `create table v as select g as id, array[sin(g), cos(g), g % 7]::vector(3) as e from generate_series(1, 500) g;
     create index on v using ivfflat (e vector_cosine_ops) with (lists = 4); set local ivfflat.probes = 4;
     set local enable_seqscan = off`,
    `select count(*)::int from (select id from v order by e <=> '[1,0,3]' limit 10) a`,
    [10],
  ],
  [
    'xml2',
    '',
    `select xpath_string('<a><b>1</b><b>2</b></a>', '/a/b[2]'), xpath_nodeset('<a><b>1</b></a>', '/a/b'),
            xslt_process('<a>x</a>', '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0">' ||
              '<xsl:output method="text"/><xsl:template match="a">[<xsl:value-of select="."/>]</xsl:template></xsl:stylesheet>')`,
    ['2', '<b>1</b>', '[x]'],
  ],
  ['unaccent', '', `select unaccent('Hôtel Ærø')`, ['Hotel AEro']],
]

describe('an extension does what it is for', () => {
  const server = useServer({ args: ['--allow-dir', tmpdir()] })

  it.each(USES)('%s', async (name, prepare, query, expected) => {
    const client = await server.connect()
    await client.query('begin')
    await client.query(`create extension ${name} cascade`)
    await client.query(prepare)
    const { rows } = await client.query({ text: query, rowMode: 'array' })
    expect(rows).toEqual(expected.length > 0 ? [expected] : [])
    await client.query('rollback')
  })

  it('btree_gist: no two bookings of a room overlap', async () => {
    const client = await server.connect()
    await client.query(`create extension btree_gist;
      create table booking (room int, during tsrange, exclude using gist (room with =, during with &&));
      insert into booking values (1, '[2026-01-01, 2026-01-02)'), (2, '[2026-01-01, 2026-01-02)')`)
    await expect(
      client.query(`insert into booking values (1, '[2026-01-01 12:00, 2026-01-03)')`),
    ).rejects.toMatchObject({ code: '23P01' })
  })

  it('file_fdw: a file of the machine is a table', async () => {
    const file = join(tmpdir(), `file-fdw-${process.pid}.csv`)
    writeFileSync(file, 'name,size\nsmall,1\nlarge,1000\n')
    const client = await server.connect()
    await client.query(`create extension file_fdw;
      create server files foreign data wrapper file_fdw;
      create foreign table sizes (name text, size int) server files options (filename '${file}', format 'csv', header 'true')`)
    expect((await client.query('select sum(size)::int as sum from sizes')).rows).toEqual([{ sum: 1001 }])
  })

  it('pgrowlocks: locks of another session are seen', async () => {
    const [a, b] = [await server.connect(), await server.connect()]
    await a.query('create extension pgrowlocks; create table locked as select 1 as a')
    await a.query('begin; select from locked for update')
    const { rows } = await b.query(`select modes from pgrowlocks('locked')`)
    expect(rows).toEqual([{ modes: ['For Update'] }])
    await a.query('rollback')
  })

  it('tcn: a change is notified', async () => {
    const client = await server.connect()
    const notified = new Promise(resolve => client.once('notification', resolve))
    await client.query(`create extension tcn;
      create table watched (id int primary key);
      create trigger t after insert on watched for each row execute function triggered_change_notification();
      listen tcn;
      insert into watched values (7)`)
    expect(await notified).toMatchObject({ payload: `"watched",I,"id"='7'` })
  })

  it('pg_overexplain: EXPLAIN shows more', async () => {
    const client = await server.connect()
    await client.query(`load 'pg_overexplain'`)
    const { rows } = await client.query('explain (debug) select 1')
    expect(rows.map(row => row['QUERY PLAN']).join('\n')).toContain('Disabled Nodes')
  })
})

describe('modules that are loaded with the server', () => {
  const preloaded = 'pg_stat_statements,auto_explain,pg_prewarm,passwordcheck,auth_delay'
  const server = useServer({
    args: ['-c', `shared_preload_libraries=${preloaded}`, '-c', 'wal_level=logical'],
  })

  it('pg_stat_statements counts statements of all sessions', async () => {
    const [a, b] = [await server.connect(), await server.connect()]
    await a.query('create extension pg_stat_statements')
    for (const client of [a, b]) await client.query('select 4711 + 1')
    const { rows } = await a.query(
      `select calls::int, rows::int from pg_stat_statements where query = 'select $1 + $2'`,
    )
    expect(rows).toEqual([{ calls: 2, rows: 2 }])
  })

  it('auto_explain logs the plan of what is slow', async () => {
    const client = await server.connect()
    await client.query('set auto_explain.log_min_duration = 0')
    await client.query(`select count(*) as how_many from pg_class`)
    await until('the plan is in the log', () =>
      /duration: .* plan:[\s\S]*how_many[\s\S]*Aggregate/.test(server.log),
    )
  })

  it('passwordcheck refuses a weak password', async () => {
    const client = await server.connect()
    await expect(client.query(`create role weak password 'weak'`)).rejects.toMatchObject({ code: '22023' })
  })

  it('pg_prewarm has its worker', async () => {
    const client = await server.connect()
    await client.query('create extension pg_prewarm')
    const { rows } = await client.query('select autoprewarm_dump_now() > 0 as dumped')
    expect(rows).toEqual([{ dumped: true }])
  })

  it('test_decoding shows changes', async () => {
    const client = await server.connect()
    await client.query(`select pg_create_logical_replication_slot('changes', 'test_decoding')`)
    await client.query('create table decoded (a int); insert into decoded values (42)')
    const { rows } = await client.query(`select data from pg_logical_slot_get_changes('changes', null, null)`)
    expect(rows.map(row => row.data)).toContain('table public.decoded: INSERT: a[integer]:42')
    await client.query(`select pg_drop_replication_slot('changes')`)
  })
})
