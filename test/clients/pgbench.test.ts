import { beforeAll, expect, test } from 'vitest'
import { connectionTo, type Program, program18, run } from '../fixtures/native-programs.js'
import { useServer } from '../fixtures/server.js'

const CLIENTS = 8
const TRANSACTIONS = 50
const SCALE = 2

const server = useServer()
let pgbench: Program

beforeAll(async () => {
  pgbench = await program18('pgbench')
})

test('pgbench -i fills its tables', async () => {
  const { code, stderr } = await run(
    pgbench,
    ['-i', '-s', String(SCALE), '--foreign-keys'],
    connectionTo(server),
  )
  expect(stderr).toMatch(/done in/)
  expect(code).toBe(0)
  const client = await server.connect()
  const { rows } = await client.query('select count(*)::int as n from pgbench_accounts')
  expect(rows).toEqual([{ n: SCALE * 100_000 }])
})

test.each(['simple', 'extended', 'prepared'])(
  'pgbench with 8 clients in %s mode loses no transaction and mixes none up',
  async mode => {
    const client = await server.connect()
    await client.query('truncate pgbench_history')
    const sums = `select
      (select sum(abalance) from pgbench_accounts) as accounts, (select sum(tbalance) from pgbench_tellers) as tellers,
      (select sum(bbalance) from pgbench_branches) as branches, (select coalesce(sum(delta), 0) from pgbench_history) as history,
      (select count(*)::int from pgbench_history) as transactions`
    const before = (await client.query(sums)).rows[0]
    const { code, stdout, stderr } = await run(
      pgbench,
      ['-n', '-c', String(CLIENTS), '-j', '2', '-t', String(TRANSACTIONS), '-M', mode],
      connectionTo(server),
    )
    expect(stderr).not.toMatch(/error|aborted/)
    expect(stdout).toMatch(`number of transactions actually processed: ${CLIENTS * TRANSACTIONS}/`)
    expect(stdout).toMatch('number of failed transactions: 0 ')
    expect(code).toBe(0)

    const after = (await client.query(sums)).rows[0]
    expect(after.transactions).toBe(CLIENTS * TRANSACTIONS)
    for (const table of ['accounts', 'tellers', 'branches'])
      expect(after[table] - before[table], table).toBe(Number(after.history))
  },
)
