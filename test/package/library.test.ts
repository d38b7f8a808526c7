/** startServer() and connections from inside the process, through the drivers that people use. */
import { once } from 'node:events'
import pg from 'pg'
import { type PostgresServer, StartupError, startServer } from 'pglite-imports-server'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { message, PROTOCOL_3_0, query, startupMessage } from '../fixtures/raw-connection.js'

let server: PostgresServer
beforeAll(async () => {
  server = await startServer({ port: 0, settings: { work_mem: '6MB', jit: false, max_parallel_workers: 3 } })
})
afterAll(() => server.stop())

function inProcess(): pg.Client {
  return new pg.Client({ stream: () => server.connect(), user: 'postgres', database: 'postgres' })
}

/** A startup packet, then messages of the protocol. */
function conversation(...messages: Buffer[]): Buffer {
  return Buffer.concat([startupMessage(PROTOCOL_3_0, { user: 'postgres' }), ...messages])
}

const terminate = message('X')

describe('a connection from inside the process', () => {
  test('serves node-postgres', async () => {
    const client = inProcess()
    await client.connect()
    const { rows } = await client.query('select $1::int + 1 as sum, inet_client_addr() as address', [41])
    expect(rows).toEqual([{ sum: 42, address: null }])
    await client.end()
  })

  test('serves a pool of node-postgres, whose sessions are independent', async () => {
    const pool = new pg.Pool({ stream: () => server.connect(), user: 'postgres', max: 4 })
    const [one, two] = await Promise.all([pool.connect(), pool.connect()])
    await one.query(`set application_name = 'one'`)
    expect((await two.query('show application_name')).rows).toEqual([{ application_name: '' }])
    one.release()
    two.release()
    await pool.end()
  })

  test('serves postgres.js', async () => {
    const options: postgres.Options<Record<string, never>> & { socket: () => unknown } = {
      socket: () => server.connect(),
      user: 'postgres',
      database: 'postgres',
      max: 2,
    }
    const sql = postgres(options)
    expect([...(await sql`select ${'text'} as value`)]).toEqual([{ value: 'text' }])
    await sql.begin(async transaction => {
      await transaction`create temp table numbers as select generate_series(1, 1000) as number`
      expect([...(await transaction`select sum(number)::int from numbers`)]).toEqual([{ sum: 500500 }])
    })
    await sql.end()
  })

  test('takes large parameters and gives large results', async () => {
    const client = inProcess()
    await client.connect()
    const large = 'ä'.repeat(4_000_000)
    const { rows } = await client.query('select $1::text as same, octet_length($1) as size', [large])
    expect(rows[0].size).toBe(8_000_000)
    expect(rows[0].same === large).toBe(true)
    await client.end()
  })

  test('makes the backend wait while the client does not read, and loses nothing', async () => {
    const stream = server.connect()
    const rows = 100_000
    const copy = `copy (select lpad(i::text, 1000) from generate_series(1, ${rows}) i) to stdout`
    stream.write(conversation(query(copy), terminate))
    await once(stream, 'readable')
    const observer = inProcess()
    await observer.connect()
    const waiting = `select wait_event from pg_stat_activity where query like 'copy (select lpad%'`
    while ((await observer.query(waiting)).rows[0]?.wait_event !== 'ClientWrite');
    expect(stream.readableLength).toBeLessThan(1_000_000)
    await observer.end()
    let length = 0
    for await (const chunk of stream) length += chunk.length
    expect(length).toBeGreaterThan(rows * 1001)
  })

  test('ends its backend when it is destroyed', async () => {
    const stream = server.connect()
    stream.write(conversation(query(`select 'about to leave'`)))
    await once(stream, 'readable')
    stream.destroy()
    const observer = inProcess()
    await observer.connect()
    const left = `select count(*)::int as count from pg_stat_activity where query like '%about to leave%' and pid <> pg_backend_pid()`
    while ((await observer.query(left)).rows[0].count > 0);
    await observer.end()
  })

  test("ends with the backend's reason when the backend ends", async () => {
    const client = inProcess()
    const lost = once(client, 'error')
    client.on('error', () => {}) // It reports the end of the stream as well.
    await client.connect()
    const { rows } = await client.query('select pg_backend_pid() as pid')
    const other = inProcess()
    await other.connect()
    await other.query('select pg_terminate_backend($1)', [rows[0].pid])
    await other.end()
    expect(await lost).toMatchObject([{ code: '57P01' }])
  })
})

describe('startServer()', () => {
  test('gives settings of all kinds to PostgreSQL', async () => {
    const client = new pg.Client(server.url)
    await client.connect()
    const { rows } = await client.query({
      text: `select current_setting('work_mem'), current_setting('jit'), current_setting('max_parallel_workers')`,
      rowMode: 'array',
    })
    expect(rows).toEqual([['6MB', 'off', '3']])
    await client.end()
  })

  test('signals one of its processes, and knows which are its own', async () => {
    const client = inProcess()
    await client.connect()
    const lost = new Promise<unknown>(resolve => client.on('error', resolve))
    const { rows } = await client.query('select pg_backend_pid() as pid')
    expect(server.kill(process.pid + 1, 'SIGTERM')).toBe(false)
    expect(server.kill(rows[0].pid, 'SIGTERM')).toBe(true)
    expect(await lost).toMatchObject({ code: '57P01' })
  })

  test('names user and database in the url, for any characters', async () => {
    const other = await startServer({ port: 0, user: 'é/b', database: 'a b' })
    expect(other.url).toBe(`postgres://%C3%A9%2Fb@localhost:${other.port}/a%20b`)
    await other.stop()
  })

  test('stops at the end of the block of an await using', async () => {
    let exited: Promise<number>
    {
      await using other = await startServer({ port: 0 })
      exited = other.exited
    }
    expect(await Promise.race([exited, 'running'])).toBe(0)
  })

  test.each([
    ['by TCP', (to: PostgresServer): pg.PoolConfig => ({ connectionString: to.url })],
    ['without a network', (to: PostgresServer) => ({ stream: () => to.connect(), user: 'postgres' })],
  ])('sends a pool %s that has just been ended no error when it stops', async (_, config) => {
    const errors: Error[] = []
    for (let round = 0; round < 5; round++) {
      const other = await startServer({ port: 0 })
      const pool = new pg.Pool({ ...config(other), max: 5 })
      pool.on('error', error => errors.push(error))
      await Promise.all(Array.from({ length: 5 }, () => pool.query('select pg_sleep(0.01)')))
      await pool.end()
      await other.stop()
    }
    expect(errors).toEqual([])
  })

  test('rejects a taken port with EADDRINUSE', async () => {
    const refused = startServer({ port: server.port })
    await expect(refused).rejects.toBeInstanceOf(StartupError)
    await expect(refused).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  test('runs several servers in one process', async () => {
    const other = await startServer({ port: 0, host: '127.0.0.1' })
    expect(other.port).not.toBe(server.port)
    const client = new pg.Client({ stream: () => other.connect(), user: 'postgres' })
    await client.connect()
    await client.query('create table only_here ()')
    await client.end()
    const elsewhere = inProcess()
    await elsewhere.connect()
    await expect(elsewhere.query('select from only_here')).rejects.toMatchObject({ code: '42P01' })
    await elsewhere.end()
    await other.stop()
  })

  test('hands the log to a function line by line', async () => {
    const lines: string[] = []
    const logged = await startServer({ port: 0, log: line => lines.push(line) })
    await logged.stop()
    expect(lines.some(line => line.endsWith('LOG:  database system is ready to accept connections'))).toBe(
      true,
    )
    expect(lines.filter(line => line === '' || line.includes('\n'))).toEqual([])
  })

  test('after stop() the port is free and connections are refused', async () => {
    const first = await startServer({ port: 0 })
    await first.stop()
    expect(await first.exited).toBe(0)
    const client = new pg.Client({ stream: () => first.connect(), user: 'postgres' })
    await expect(client.connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    const second = await startServer({ port: first.port })
    await second.stop()
  })

  test(`stop('smart') waits for the clients, and a more urgent stop() does not`, async () => {
    const other = await startServer({ port: 0 })
    const client = new pg.Client(other.url)
    client.on('error', () => {})
    await client.connect()
    let stopped = false
    const smart = other.stop('smart').then(() => {
      stopped = true
    })
    expect((await client.query('select pg_sleep(0.2), 1 as still')).rows).toMatchObject([{ still: 1 }])
    expect(stopped).toBe(false)
    await other.stop('fast')
    await smart
  })
})
