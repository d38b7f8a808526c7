/**
 * No code is generated at run time. The servers of all tests run with every way to do so broken, in every thread, once
 * their modules are compiled (fixtures/server.ts, preloaded/forbid-code-generation.ts). Here it is seen that the ban is in force.
 */
import { describe, expect, it } from 'vitest'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

/** Where the engine can suspend processes: the one that several share, a client's and a spare one. */
const THREADS = 'Suspending' in WebAssembly ? 3 : 6

describe('with code generation forbidden in every thread', () => {
  const server = useServer()

  it('the ban holds in threads that were made for processes', async () => {
    await server.connect()
    // Each thread that the ban was put on says so.
    await until(
      'threads have said that the ban holds',
      () => (server.log.match(/banned in thread/g) ?? []).length >= THREADS,
    )
  })

  it('several sessions work, each its own', async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => server.connect()))
    await Promise.all(clients.map((client, i) => client.query(`set application_name = 'c${i}'`)))
    const names = await Promise.all(clients.map(client => client.query('show application_name')))
    expect(names.map(({ rows }) => rows[0].application_name)).toEqual(clients.map((_, i) => `c${i}`))
  })

  it('PL/pgSQL, full text search, conversions and parallel query work', async () => {
    const client = await server.connect()
    await client.query(`do $$ begin perform 1/0; exception when division_by_zero then null; end $$`)
    const { rows } = await client.query("select to_tsvector('english', 'running dogs')::text as words")
    expect(rows[0].words).toBe("'dog':2 'run':1")
    const euro = await client.query("select convert_to('€', 'WIN1252') as bytes")
    expect(euro.rows[0].bytes).toEqual(Buffer.from([0x80]))
    await client.query('create table big as select g, g % 7 as k from generate_series(1, 50000) g')
    await client.query(
      'set min_parallel_table_scan_size = 0; set parallel_setup_cost = 0; set parallel_tuple_cost = 0',
    )
    const plan = await client.query('explain (analyze, costs off) select k, sum(g) from big group by k')
    expect(plan.rows.map(row => row['QUERY PLAN']).join('\n')).toMatch(/Workers Launched: [1-9]/)
  })

  it('a backend waits for another, a cancel stops one, a notification reaches one', async () => {
    const [a, b] = [await server.connect(), await server.connect()]
    await a.query('select pg_advisory_lock(1)')
    const waiting = b.query('select pg_advisory_lock(1)')
    await until('b waits', async () => {
      const { rows } = await a.query(
        "select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted",
      )
      return rows[0].n === 1
    })
    await a.query('select pg_advisory_unlock(1)')
    await waiting
    await b.query("set statement_timeout = '100ms'")
    await expect(b.query('select count(*) from generate_series(1, 1e12)')).rejects.toMatchObject({
      code: '57014',
    })
    const heard = new Promise(resolve => a.once('notification', resolve))
    await a.query('listen news')
    await b.query("notify news, 'hello'")
    expect(await heard).toMatchObject({ channel: 'news', payload: 'hello' })
  })

  it('CREATE DATABASE makes one to connect to', async () => {
    const client = await server.connect()
    await client.query('create database another')
    const other = await server.connect({ database: 'another' })
    expect((await other.query('select current_database() as name')).rows[0].name).toBe('another')
  })
})
