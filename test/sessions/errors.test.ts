import { describe, expect, test } from 'vitest'
import { ServerProcess, useServer } from '../fixtures/server.js'

/** As V8 compiles code first it takes the most of the stack. Few connections leave room for deep stacks. */
const server = useServer({
  args: ['-c', 'log_min_messages=panic', '-c', 'max_connections=40'],
  nodeArgs: ['--liftoff-only'],
})

/** Statements that fail in every part of PostgreSQL, and the SQLSTATE they fail with. */
const FAILURES = [
  ['selekt', '42601'],
  ['select * from nowhere', '42P01'],
  ['select 1 / 0', '22012'],
  ["select 'x'::int", '22P02'],
  ['select 2147483647 + 1', '22003'],
  ["select '2024-02-30'::date", '22008'],
  ['select exp(1e6)', '22003'],
  ["select '(' ~ '('", '2201B'],
  ["select repeat('x', 2000000000)", '54000'],
  ["do $$ begin raise exception using errcode = 'ZZ123'; end $$", 'ZZ123'],
  ["copy (select 1) to '/outside/file'", '42501'],
  ["select pg_read_file('nowhere')", '58P01'],
  ["load 'nowhere'", '58P01'],
  ['create extension nowhere', '0A000'],
  ["select pg_read_file('nonexistent')", '58P01'],
] as const

test('after any ERROR the session goes on', async () => {
  const session = await server.connect()
  await session.query('create temp table still_here as select 1 as one')
  for (const [statement, code] of FAILURES) {
    await expect(session.query(statement), statement).rejects.toMatchObject({ severity: 'ERROR', code })
    expect((await session.query('select one from still_here')).rows, statement).toEqual([{ one: 1 }])
  }
})

/** Ways to recurse for ever, or too deeply. */
const DEEP = {
  'a PL/pgSQL function that calls itself':
    'create or replace function f(i int) returns int language plpgsql as $$ begin return f(i + 1); end $$; select f(1)',
  'a SQL function that calls itself': `create or replace function g(i int) returns int language sql volatile as $$ select 1 $$;
    create or replace function g(i int) returns int language sql volatile as $$ select g(i + 1) $$; select g(1)`,
  'a PL/pgSQL function that catches and calls itself': `create or replace function h(i int) returns int language plpgsql as $$
    begin begin perform h(i + 1); exception when division_by_zero then null; end; return i; end $$; select h(1)`,
  'nested json': "select repeat('[', 1000000)::json",
  'nested jsonb': "select repeat('[', 1000000)::jsonb",
  'nested parentheses': `select ${'('.repeat(100_000)}1${')'.repeat(100_000)}`,
  'a long chain of operators': `select ${'1 + '.repeat(100_000)}1`,
  'a chain of NOT': `select ${'not '.repeat(100_000)}true`,
  'a nested array expression': `select ${'array['.repeat(20_000)}1${']'.repeat(20_000)}`,
  'a nested subquery': `select ${'(select '.repeat(20_000)}1${')'.repeat(20_000)}`,
  'a chain of unions': `select 1 ${'union all select 1 '.repeat(50_000)}`,
  'nested XML': "select (repeat('<a>', 1000000) || repeat('</a>', 1000000))::xml",
  'nested XML declarations':
    "select ('<!DOCTYPE a [<!ELEMENT a ' || repeat('(', 100000) || 'b' || repeat(')', 100000) || '>]><a/>')::xml",
  'a chain of XML entities': `select ('<!DOCTYPE a [<!ENTITY e0 "x">' || string_agg(format('<!ENTITY e%s "&e%s;">', i, i - 1), '') ||
    ']><a>&e20000;</a>')::xml from generate_series(1, 20000) i`,
  'a nested XPath': "select xpath(repeat('(', 100000) || '1' || repeat(')', 100000), '<a/>')",
  'a long XPath': "select xpath('/a' || repeat('/a', 100000), '<a/>')",
  'an XSLT template that applies itself': `create extension if not exists xml2; select xslt_process('<a/>',
    '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform" version="1.0"><xsl:template match="/">
     <xsl:if test="1"><b><xsl:for-each select="/a"><xsl:apply-templates select="/"/></xsl:for-each></b></xsl:if>
     </xsl:template></xsl:stylesheet>')`,
  'a nested regular expression': `select 'a' ~ ('${'('.repeat(100_000)}a${')'.repeat(100_000)}')`,
  'a nested jsonpath': `select ('$ ? (' || repeat('!(', 100000) || '@ == 1' || repeat(')', 100001))::jsonpath`,
  'a nested tsquery': "select (repeat('(', 100000) || 'a' || repeat(')', 100000))::tsquery",
  'a trigger that fires itself': `create temp table if not exists ringing (i int);
    create or replace function again() returns trigger language plpgsql as $$ begin insert into ringing values (1); return new; end $$;
    create or replace trigger again before insert on ringing for each row execute function again(); insert into ringing values (1)`,
  'a view of views of views': viewOfViews(3000),
  'a view of more of them': viewOfViews(10_000),
}

function viewOfViews(count: number): string {
  return `do $$ begin create temp view v0 as select 1 as i;
    for n in 1..${count} loop execute format('create or replace temp view v%s as select i from v%s', n, n - 1); end loop; end $$;
    select * from v${count}`
}

/** The last two are libxml2's and libxslt's own limits: of a document's depth, and of an expression's or a template's. */
const ENDS = ['answered', '54001', '54000', '53200', '54023', '2201B', '42601', '54P01', '2200N', '10608']

test.each(Object.entries(DEEP))(
  '%s ends in a plain error or an answer, and the session goes on',
  async (_, statement) => {
    const session = await server.connect()
    const backend = (await session.query('select pg_backend_pid() as pid')).rows
    const code = await session.query(statement).then(
      () => 'answered',
      (error: { code: string }) => error.code,
    )
    expect(ENDS).toContain(code)
    expect((await session.query('select pg_backend_pid() as pid')).rows).toEqual(backend)
  },
  240_000,
)

/** Those that do not take long where more is allowed. */
const DEEPER = [
  ...['a PL/pgSQL function that calls itself', 'nested json', 'nested jsonb', 'a long chain of operators'],
  ...['a nested regular expression', 'a nested tsquery', 'a trigger that fires itself'],
] as const

test.each(DEEPER)(
  '%s does so where max_stack_depth is raised, too',
  async name => {
    const session = await server.connect()
    await session.query(`set max_stack_depth = '7MB'`)
    await expect(session.query(DEEP[name])).rejects.toMatchObject({
      code: expect.stringMatching(/^(54001|2201B)$/),
    })
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  },
  240_000,
)

test('infinite recursion is 54001', async () => {
  const session = await server.connect()
  await session.query('create function f1() returns int language plpgsql as $$ begin return f1(); end $$')
  await expect(session.query('select f1()')).rejects.toMatchObject({ code: '54001' })
  await expect(session.query("select repeat('[', 1000000)::json")).rejects.toMatchObject({ code: '54001' })
})

/** What native PostgreSQL takes with its default for max_stack_depth, and 54001 beyond. */
const DEPTHS: Readonly<Record<string, readonly [text: string, values?: unknown[]]>> = {
  '4,800 operators in a chain': [`select ${'1 + '.repeat(4800)}1`],
  '4,800 concatenations': [`select ${"'x' || ".repeat(4800)}'x'`],
  '8,400 pairs in IN': [
    `select count(*) from (values (1, 'x')) v(a, b) where (a, b) in (${Array.from({ length: 8400 }, (_, i) => `(${i}, 'v${i}')`)})`,
  ],
  '9,200 UNIONs': [`select count(*) from (select 'p' ${"union select 'p' ".repeat(9200)}) x`],
  'json 16,000 deep': ['select length($1::jsonb::text)', ['['.repeat(16_000) + ']'.repeat(16_000)]],
  'a jsonpath of 14,400 ORs': [
    `select jsonb_path_exists('1', $1::jsonpath)`,
    [`$ ? (@ == 1${' || @ == 1'.repeat(14_400)})`],
  ],
  'a tsquery of 43,200 words': [
    `select to_tsvector('simple', 'a') @@ to_tsquery('simple', $1)`,
    [Array.from({ length: 43_200 }, (_, i) => `word${i}`).join('|')],
  ],
  'a SQL function 8,400 deep': ['select srec(8400)'],
  'a PL/pgSQL function 875 deep': ['select rec(875)'],
  'a trigger 625 deep': ['insert into item values (625)'],
}

describe('statements can be as deep as in native PostgreSQL', () => {
  test.each(Object.entries(DEPTHS))('%s', async (_, [text, values]) => {
    const session = await server.connect()
    expect((await session.query('show max_stack_depth')).rows).toEqual([{ max_stack_depth: '2MB' }])
    await session.query(`create or replace function rec(n int) returns int language plpgsql as
        $$ begin if n <= 0 then return 0; end if; return rec(n - 1) + 1; end $$;
      create or replace function srec(n int) returns int language sql as
        $$ select case when n <= 0 then 0 else srec(n - 1) + 1 end $$;
      create table if not exists item (a int);
      create or replace function trg() returns trigger language plpgsql as
        $$ begin if new.a > 0 then insert into item values (new.a - 1); end if; return new; end $$;
      create or replace trigger t after insert on item for each row execute function trg()`)
    expect((await session.query(text, values)).rowCount).toBe(1)
  })

  test('statements can be deeper if max_stack_depth is raised', async () => {
    const session = await server.connect()
    const chain = `select ${'1 + '.repeat(14_000)}1`
    await expect(session.query(chain)).rejects.toMatchObject({ code: '54001' })
    await session.query(`set max_stack_depth = '7MB'`)
    expect((await session.query(chain)).rowCount).toBe(1)
    await expect(session.query(`set max_stack_depth = '1GB'`)).rejects.toMatchObject({ code: '22023' })
  })

  test('statements can be deeper still if the server is started with more', async () => {
    const deeper = await ServerProcess.start({
      args: ['-c', 'max_stack_depth=12MB', '-c', 'log_min_messages=panic'],
      nodeArgs: ['--liftoff-only'],
    })
    try {
      const session = await deeper.connect()
      expect((await session.query('show max_stack_depth')).rows).toEqual([{ max_stack_depth: '12MB' }])
      await session.query(`select repeat('[', 80000)::json`).catch(error => expect(error.code).toBe('22P02'))
      await expect(session.query("select repeat('[', 1000000)::json")).rejects.toMatchObject({
        code: '54001',
      })
      await session.end()
    } finally {
      await deeper.stop()
    }
  })
})

test('a statement that needs more memory than there is fails with 53200 or 54000', async () => {
  const session = await server.connect()
  await session.query("set work_mem = '2000MB'")
  const code = await session
    .query("select length(string_agg(repeat('x', 100000000), '')) from generate_series(1, 40)")
    .then(
      () => 'answered',
      (error: { code: string }) => error.code,
    )
  expect(['53200', '54000']).toContain(code)
  expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})
