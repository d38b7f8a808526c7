/** What the console shows of the server: sessions and their waits, tables, charts. */
import type pg from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { type ConsolePage, consoleUrl, useConsolePages } from '../fixtures/console-page.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

// Node's own HTTP module compiles a parser when it is loaded.
const server = useServer({ args: ['--console'], ban: false })
const open = useConsolePages()
let page: ConsolePage

beforeEach(async () => {
  page = await open(consoleUrl(server.output))
})

const pidOf = async (client: pg.Client) =>
  (await client.query('select pg_backend_pid() as pid')).rows[0].pid as number
const boxes = async () => (await page.read('.graph li')).replaceAll(/\s+/g, ' ')

test('the graph shows which session waits for which, and why; the one that is waited for can be terminated', async () => {
  const [holder, waiter] = [await server.connect(), await server.connect({ application_name: 'patient' })]
  await holder.query('create table fish (id int primary key, name text)')
  await holder.query("insert into fish values (1, 'cod')")
  await page.click('Sessions')
  await page.reads('.page', 'No session waits for a lock of another.')
  await holder.query("begin; update fish set name = 'eel' where id = 1")
  const [first, second] = [await pidOf(holder), await pidOf(waiter)]
  const waiting = waiter.query("update fish set name = 'hake' where id = 1")
  await page.reads('.graph', `${second} waits`)
  expect(await boxes()).toMatch(
    new RegExp(`${second} waits \\d+ s for ${first}: ShareLock on row of fish update fish set name = 'hake'`),
  )
  expect(await boxes()).toMatch(new RegExp(`${first} idle in transaction`))
  expect(await page.page.$$eval('.graph .arrow', arrows => arrows.length)).toBe(1)
  expect(await page.page.$eval('.graph text', ({ textContent }) => textContent)).toBe(
    'ShareLock on row of fish',
  )
  await page.reads('[aria-label="Sessions"] tr', 'Lock: transactionid')

  const ended = new Promise<Error>(resolve => holder.once('error', resolve))
  await page.click(`Terminate ${first}`)
  await page.reads('dialog', `Terminate session ${first} of postgres? Its transaction is rolled back.`)
  await page.click('Do nothing')
  expect(await boxes()).toContain(String(first))
  await page.click(`Terminate ${first}`)
  await page.click('Terminate')
  expect((await ended).message).toBe('terminating connection due to administrator command')
  await waiting
  expect((await waiter.query('select name from fish')).rows).toEqual([{ name: 'hake' }])
  await page.reads('.page', 'No session waits for a lock of another.')
  await page.shows(
    'that the session has gone',
    pid => !document.querySelector('[aria-label="Sessions"]')!.textContent!.includes(String(pid)),
    first,
  )
})

test('a running statement of another session can be cancelled', async () => {
  const client = await server.connect({ application_name: 'sleeper' })
  const pid = await pidOf(client)
  const sleeping = client.query('select pg_sleep(600)').catch(error => error)
  await page.click('Sessions')
  await page.reads('[aria-label="Sessions"]', 'Timeout: PgSleep')
  await page.click(`Cancel ${pid}`)
  expect((await sleeping).message).toBe('canceling statement due to user request')
  expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('who may not see or signal other sessions is told so', async () => {
  const superuser = await server.connect()
  await superuser.query('create role guest login; create role another login')
  const another = await server.connect({ user: 'another' })
  const pid = await pidOf(another)
  await page.click('Other user')
  await page.page.$eval('[name="user"]', input => {
    ;(input as HTMLInputElement).value = 'guest'
  })
  await page.click('Log in')
  await page.reads('.whereabouts', 'guest')
  await page.click('Sessions')
  await page.reads('[aria-label="Sessions"]', '<insufficient privilege>')
  await page.click(`Cancel ${pid}`)
  await page.reads('[role="alert"]', 'permission denied to cancel query')
})

test('tables and indexes are listed with sizes, rows, dead rows and the last vacuum', async () => {
  const client = await server.connect()
  await client.query(`create table big with (autovacuum_enabled = off) as select i as id from generate_series(1, 50000) i; create table small (id int primary key);
    create index big_id on big (id); delete from big where id % 2 = 0; select pg_stat_force_next_flush()`)
  await client.query('select 1')
  await page.click('Tables')
  const row = async (name: string) =>
    (await page.read('[aria-label="Tables"] tbody tr')).split('\n').find(line => line.includes(name))
  await until('the dead rows are counted', async () => {
    await page.click('Refresh')
    return /public\s+big\s+[\d.]+ MB\s+[\d.]+ MB\s+[\d.]+ MB\s+25,000\s+25,000/.test((await row('big')) ?? '')
  })
  expect(await row('big')).toContain('never')
  expect(await page.read('[aria-label="Indexes"] tbody')).toMatch(
    /public\s+big\s+big_id\s+[\d.]+ MB\s+0\s+0\s+CREATE INDEX big_id ON public.big USING btree \(id\)\s+yes/,
  )
  expect(await page.read('[aria-label="Indexes"] tbody')).toMatch(/small_pkey\s+primary key/)
  await client.query('vacuum analyze big')
  await until('the vacuum is seen', async () => {
    await page.click('Refresh')
    return /25,000\s+0\s.*\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\s+\d{4}-/.test((await row('big')) ?? '')
  })
  const first = () => page.read('[aria-label="Tables"] tbody tr:first-child td.name')
  expect(await first()).toBe('big')
  await page.page.$eval('[aria-label="Tables"] th:nth-child(3) button', button =>
    (button as HTMLElement).click(),
  )
  await until('the smallest is first', async () => (await first()) !== 'big')
  await page.page.type('input[type="search"]', 'small')
  await until('one is left', async () => !(await row('big')))
})

test('the charts draw what /metrics has, while it changes', async () => {
  await page.click('Charts')
  const value = async (title: string, label: string) => {
    const legend = await page.page.$$eval(
      '.chart',
      (charts, wanted) => {
        const chart = charts.find(each => each.querySelector('h2')?.textContent === wanted)
        return chart?.querySelector<HTMLElement>('.legend')?.innerText.replaceAll(/\s+/g, ' ')
      },
      title,
    )
    return new RegExp(`${label} ([\\d.,]+)`).exec(legend ?? '')?.[1]
  }
  const client = await server.connect()
  await until('transactions are counted', async () => {
    for (let i = 0; i < 20; i++) await client.query('select 1')
    return Number(await value('Statements', 'statements')) > 1
  })
  expect(Number(await value('Memory', 'resident'))).toBeGreaterThan(50)
  expect(Number(await value('Sessions', 'idle'))).toBeGreaterThanOrEqual(2)
  // Lines of the first colour are in the picture.
  await until('a line is drawn', () =>
    page.page.$$eval('.chart canvas', all => {
      const canvas = all[4] as HTMLCanvasElement
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      for (let at = 0; at < data.length; at += 4)
        if (data[at] === 0x1f && data[at + 1] === 0x5f && data[at + 2] === 0xbf) return true
      return false
    }),
  )
  await page.page.select('.heading select', 'nodejs_heap_size_used_bytes')
  await page.reads('.chart h2', 'Process heap size used from Node.js in bytes.')
  expect(
    await value('Process heap size used from Node.js in bytes.', 'nodejs_heap_size_used_bytes'),
  ).toBeDefined()
})
