/**
 * The runtime is killed in the middle of whatever it does, again and again. `npm run test:kill` does it 50 times.
 */
import { expect, test } from 'vitest'
import { until } from '../fixtures/until.js'
import { useWorkerd } from '../fixtures/workerd/workerd.js'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 3)
const WRITERS = ['a', 'b', 'c']
/** Of one transaction. */
const ROWS = 3
/** Milliseconds from the first commit until the runtime is killed, at most. */
const LONGEST_LIFE = 400

const runtime = useWorkerd()
const query = <T>(session: string, sql: string) => runtime.query<T>('durable', session, sql)

/** By writer, the last transaction whose commit was answered. */
const committed = new Map(WRITERS.map(writer => [writer, 0]))

const transactions = () => [...committed.values()].reduce((sum, number) => sum + number)

/** Commits transactions until the runtime is gone; some are larger than others, and some of it is deleted again. */
async function write(writer: string): Promise<void> {
  for (;;) {
    const number = committed.get(writer)! + 1
    const sql = `insert into written select '${writer}', ${number}, part, repeat(md5(random()::text), ${1 << (number % 8)})
        from generate_series(1, ${ROWS}) part;
      update written set filler = 'updated' where writer = '${writer}' and number = ${number - 5};
      ${number % 40 === 0 ? 'analyze written;' : ''}`
    try {
      await query(writer, sql)
      if (number % 50 === 0) await query(writer, 'checkpoint')
    } catch (error) {
      // Only because the runtime is gone.
      if (error instanceof Error && 'code' in error) throw error
      return
    }
    committed.set(writer, number)
  }
}

async function checkAll(): Promise<void> {
  const found = await query<{ writer: string; last: number; transactions: number; rows: number }>(
    'checker',
    `select writer, max(number)::int last, count(distinct number)::int transactions, count(*)::int as rows
      from written group by writer`,
  )
  for (const writer of WRITERS) {
    const { last, transactions, rows } = found.find(row => row.writer === writer) ?? {
      last: 0,
      transactions: 0,
      rows: 0,
    }
    // All whose commit was answered, maybe one more that could not be, and each of them whole.
    expect([committed.get(writer)!, committed.get(writer)! + 1]).toContain(last)
    expect({ transactions, rows }).toEqual({ transactions: last, rows: last * ROWS })
    committed.set(writer, last)
  }
  await query('checker', "select bt_index_check('written_pkey', true)")
  expect(await query('checker', "select * from verify_heapam('written')")).toEqual([])
}

test(
  `all that was committed is there after each of ${ROUNDS} kills, and nothing by half`,
  async () => {
    await query('a', 'create extension amcheck')
    await query(
      'a',
      'create table written (writer text, number int, part int, filler text, primary key (writer, number, part))',
    )
    for (let round = 0; round < ROUNDS; round++) {
      const before = transactions()
      const writers = WRITERS.map(write)
      await until('a transaction has been committed', () => transactions() > before)
      await new Promise(resolve => setTimeout(resolve, Math.random() * LONGEST_LIFE))
      await runtime.kill()
      await Promise.all(writers)
      await runtime.start()
      await checkAll()
    }
  },
  60_000 + ROUNDS * 20_000,
)
