import { once } from 'node:events'
import { beforeAll, describe, expect, test } from 'vitest'
import { connectionTo, machinePsql, type Program, program18, run } from '../fixtures/native-programs.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer()

describe.each([
  ["psql of the machine's Debian release", async () => machinePsql],
  ['psql 18', () => program18('psql')],
])('%s', (_, find) => {
  let psql: Program
  beforeAll(async () => {
    psql = await find()
  })

  /** Runs statements given on stdin and returns what psql prints, unaligned and without headers. */
  async function answers(input: string): Promise<string> {
    const { code, stdout, stderr } = await run(
      psql,
      ['-XAtq', '-v', 'ON_ERROR_STOP=1'],
      connectionTo(server),
      input,
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    return stdout.trimEnd()
  }

  test('gets a PostgreSQL 18 session', async () => {
    expect(await answers('show server_version_num')).toMatch(/^18\d{4}$/)
    expect(await answers("select current_user, current_database(), 'ä€😀', 1.5::numeric / 3")).toBe(
      'postgres|postgres|ä€😀|0.50000000000000000000',
    )
  })

  test('prints a result as a table', async () => {
    const { stdout } = await run(psql, ['-X', '-c', "select 1 as one, 'two' as two"], connectionTo(server))
    expect(stdout).toBe(' one | two \n-----+-----\n   1 | two\n(1 row)\n\n')
  })

  test('describes tables by its backslash commands', async () => {
    const description = await answers(`
      create temp table described (id int primary key, name text not null default 'x', unique (name));
      \\pset tuples_only off
      \\d described
      \\di described*
    `)
    expect(description).toMatch(/id\|integer\|\|not null\|/)
    expect(description).toMatch(/name\|text\|\|not null\|'x'::text/)
    expect(description).toMatch(/"described_name_key" UNIQUE CONSTRAINT, btree \(name\)/)
    expect(description).toMatch(/pg_temp_\d+\|described_pkey\|index\|postgres\|described/)
  })

  test('copies in and out', async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => `${i}\tline ${i} \\t tab`)
    const output = await answers(
      `create temp table copied (id int, t text);\n\\copy copied from stdin\n${rows.join('\n')}\n\\.\n` +
        `select count(*), sum(id) from copied;\n\\copy copied to stdout\n`,
    )
    expect(output).toBe(['1000|499500', ...rows].join('\n'))
  })

  test('goes on after an error, and reports it with position, detail and hint', async () => {
    const { code, stdout, stderr } = await run(
      psql,
      ['-XAt', '-v', 'VERBOSITY=verbose'],
      connectionTo(server),
      'select 1 from nowhere;\nselect 2;\n',
    )
    expect(stderr).toMatch(
      /^ERROR: {2}42P01: relation "nowhere" does not exist\nLINE 1: select 1 from nowhere;/,
    )
    expect(stdout).toBe('2\n')
    expect(code).toBe(0)
  })

  test('stops at the first error with exit code 3 if ON_ERROR_STOP is set', async () => {
    const { code, stdout } = await run(
      psql,
      ['-XAt', '-v', 'ON_ERROR_STOP=1'],
      connectionTo(server),
      'select 1;\nselect 1/0;\nselect 2;\n',
    )
    expect(code).toBe(3)
    expect(stdout).toBe('1\n')
  })

  test('connects to another database and back by \\c', async () => {
    expect(
      await answers('\\c template1\nselect current_database();\n\\c postgres\nselect current_database();'),
    ).toBe('template1\npostgres')
  })

  test('fetches a large result through a cursor', async () => {
    const output = await answers('\\set FETCH_COUNT 1000\nselect i from generate_series(1, 25000) i;')
    expect(output.split('\n').map(Number)).toEqual(Array.from({ length: 25000 }, (_, i) => i + 1))
  })

  test('prints notifications that come with an answer', async () => {
    const { stdout } = await run(
      psql,
      ['-XAt'],
      connectionTo(server),
      "listen news;\nnotify news, 'hello';\nselect 1;\n",
    )
    expect(stdout).toMatch(
      /Asynchronous notification "news" with payload "hello" received from server process/,
    )
  })

  test('cancels the statement that runs when interrupted', async () => {
    const child = psql(['-X'], connectionTo(server))
    let stderr = ''
    child.stderr!.on('data', text => {
      stderr += text
    })
    child.stdin!.end(
      "set application_name = 'interrupted';\nselect count(*) from generate_series(1, 1000000000000);\n",
    )
    const watcher = await server.connect()
    await until('psql runs its query', async () => {
      const { rows } = await watcher.query(
        "select from pg_stat_activity where application_name = 'interrupted' and state = 'active'",
      )
      return rows.length === 1
    })
    child.kill('SIGINT')
    child.stdout!.resume()
    await once(child, 'close')
    expect(stderr).toMatch(/ERROR: {2}canceling statement due to user request/)
  })
})

test('psql 18 sends statements in a pipeline', async () => {
  const { code, stdout, stderr } = await run(
    await program18('psql'),
    ['-XAtq'],
    connectionTo(server),
    [
      '\\startpipeline',
      'select $1::int + 1 \\bind 41 \\sendpipeline',
      'select $1 \\bind two \\sendpipeline',
      '\\flushrequest',
      '\\getresults',
      '\\endpipeline',
    ].join('\n'),
  )
  expect(stderr).toBe('')
  expect(stdout).toBe('42\ntwo\n')
  expect(code).toBe(0)
})

test('psql 18 describes every kind of object and the databases', async () => {
  const { code, stderr, stdout } = await run(
    await program18('psql'),
    ['-X', '-v', 'ON_ERROR_STOP=1'],
    connectionTo(server),
    '\\l+\n\\dn+\n\\df+ lower\n\\dT+\n\\du\n\\dx\n\\do\n\\dF\n\\dc\n\\dP\n\\dconfig\n\\sf pg_catalog.overlay(bit,bit,int)\n\\conninfo',
  )
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(stdout).toMatch(/template0/)
  expect(stdout).toMatch(/plpgsql/)
})
