/** The monitor's answers: while the server works, is full, stops, or has not started yet. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { Command } from '../fixtures/command.js'
import { metric } from '../fixtures/metric.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer({
  args: ['--http-port', '0', '--max-connections', '2', '-c', 'superuser_reserved_connections=1'],
  // Node's own HTTP module compiles a parser when it is loaded.
  ban: false,
})

function monitorUrl(output: string): string {
  return /health, metrics: +(\S+)/.exec(output)![1]!
}

async function ask(path: string): Promise<{ code: number; text: string }> {
  const response = await fetch(monitorUrl(server.output) + path)
  return { code: response.status, text: await response.text() }
}

/** The metrics, with PostgreSQL's, which a busy machine may not get at once. */
async function metricsOfAll(): Promise<string> {
  let text = ''
  await until('PostgreSQL has been asked', async () => {
    text = (await ask('/metrics')).text
    return metric(text, 'pg_up') === 1
  })
  return text
}

test('a server that is well is healthy and ready', async () => {
  expect(await ask('/health')).toEqual({ code: 200, text: '{"status":"running"}\n' })
  await until('it is ready', async () => (await ask('/ready')).code === 200)
  expect((await ask('/nosuch')).code).toBe(404)
})

test('metrics count what clients do', async () => {
  const before = await metricsOfAll()
  const client = await server.connect()
  for (let i = 0; i < 10; i++) await client.query(`select repeat('x', 10000)`)
  await client.query('select $1::int', [1])
  await client.query('checkpoint')
  await client.query('select pg_stat_force_next_flush()')
  await client.query('select 1')
  let after = ''
  // Answers are kept for a second.
  await until('the statistics are there', async () => {
    after = await metricsOfAll()
    return metric(after, 'pg_stat_checkpointer_num_done') > metric(before, 'pg_stat_checkpointer_num_done')
  })
  const growth = (name: string) => metric(after, name) - metric(before, name)
  expect(growth('pglite_statements_total')).toBe(14)
  expect(growth('pglite_connections_accepted_total')).toBe(1)
  expect(growth('pglite_sent_bytes_total')).toBeGreaterThan(100_000)
  expect(growth('pglite_received_bytes_total')).toBeGreaterThan(300)
  expect(growth('pg_stat_database_xact_commit')).toBeGreaterThanOrEqual(13)
  expect(metric(after, 'pglite_connections')).toBe(1)
  expect(metric(after, 'pg_up')).toBe(1)
  expect(metric(after, 'pg_stat_database_blks_hit')).toBeGreaterThan(0)
  expect(metric(after, 'pg_wal_position_bytes')).toBeGreaterThan(0)
  const processes = metric(after, 'pglite_process_memory_bytes')
  expect(after).toMatch(/^pglite_process_memory_bytes\{pid="\d+",type="backend"\} [1-9]\d+$/m)
  expect(metric(after, 'pglite_linear_memory_bytes')).toBeGreaterThan(processes)
  expect(metric(after, 'process_resident_memory_bytes')).toBeGreaterThan(0)
})

test('when clients have used up all connections the monitor asks by a reserved one, and says when that is in use too', async () => {
  const first = await server.connect()
  await first.query('create role someone login')
  await expect(server.connect({ user: 'someone' })).rejects.toMatchObject({ code: '53300' })
  // The monitor uses an answer for a second.
  const answered = metric(await metricsOfAll(), 'pg_stat_database_sessions')
  await until('it has asked anew', async () => {
    const { text } = await ask('/metrics')
    return metric(text, 'pg_up') === 1 && metric(text, 'pg_stat_database_sessions') > answered
  })
  const second = await server.connect()
  await until('it cannot ask', async () => (await ask('/ready')).code === 503)
  const { code, text } = await ask('/metrics')
  expect(code).toBe(200)
  expect(text).toMatch(/^# no statistics from PostgreSQL: .*too many clients/)
  expect(metric(text, 'pg_up')).toBe(0)
  expect(metric(text, 'pglite_linear_memory_bytes')).toBeGreaterThan(0)
  await second.end()
  await until('it can ask again', async () => (await ask('/ready')).code === 200)
})

test("a server in a smart shutdown is healthy and not ready, and the monitor's questions do not delay its end", async () => {
  const command = new Command('-v', '-p', '0', '--http-port', '0')
  const client: pg.Client = await command.connect()
  await until('all is said', () => command.stdout.includes('Ctrl-C'))
  const url = monitorUrl(command.stdout)
  await until('it is ready', async () => (await fetch(`${url}/ready`)).status === 200)
  command.process.kill('SIGTERM')
  await until('it is shutting down', () => command.stderr.includes('received smart shutdown request'))
  await until('it is not ready', async () => (await fetch(`${url}/ready`)).status === 503)
  expect((await fetch(`${url}/health`)).status).toBe(200)
  await client.end()
  expect(await command.closed).toBe(0)
})

test('a port that is taken is refused in one line', async () => {
  const taken = createServer().listen({ host: 'localhost', port: 0 })
  await once(taken, 'listening')
  const { port } = taken.address() as { port: number }
  const command = new Command('-p', '0', '--http-port', String(port))
  expect(await command.closed).toBe(1)
  expect(command.stderr).toMatch(
    /^pglite-imports-server: cannot serve HTTP on localhost, port \d+: another program listens there.*\n$/,
  )
  taken.close()
})
