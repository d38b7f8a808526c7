/** The console's editor and what comes of statements, in Chromium. */
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

/** What the list of completions offers. */
const offered = () =>
  page.page.evaluate(() => {
    const root = document.querySelector('.editor')!.shadowRoot!
    return [...root.querySelectorAll('.cm-completionLabel')].map(({ textContent }) => textContent ?? '')
  })
const text = () =>
  page.page.evaluate(
    () => document.querySelector('.editor')!.shadowRoot!.querySelector<HTMLElement>('.cm-content')!.innerText,
  )
const cells = (row: number) =>
  page.page.$$eval(`[aria-rowindex="${row + 1}"] [role="gridcell"]`, all =>
    all.map(({ textContent }) => textContent),
  )

/** Waits until this is the first completion, and takes it. The catalog is read while one types, so Ctrl-Space asks again. */
async function complete(label: string): Promise<void> {
  await until(`${label} is offered`, async () => {
    if ((await offered())[0] === label) return true
    await page.press('Control', ' ')
    await new Promise(resolve => setTimeout(resolve, 300))
    return false
  })
  // The editor ignores Enter where it might be meant for what was there before.
  await new Promise(resolve => setTimeout(resolve, 300))
  await page.press('Enter')
  await until(`${label} is taken`, async () => (await offered()).length === 0)
}

test('the editor completes tables, columns and functions of the catalog, also of tables that were made just now', async () => {
  await page.run('create table elephants (id int, trunk_length real, "Weight in kg" text)')
  await page.write('select * from ')
  await page.page.keyboard.type('ele')
  await complete('elephants')
  await page.page.keyboard.type(' e where e.tr')
  await complete('trunk_length')
  await page.page.keyboard.type(' > pg_size_p')
  await complete('pg_size_pretty')
  expect(await text()).toBe('select * from elephants e where e.trunk_length > pg_size_pretty')
  await page.write('update elephants set ')
  await page.page.keyboard.type('weig')
  await complete('Weight in kg')
  expect(await text()).toBe('update elephants set "Weight in kg"')
})

test('several statements run one after the other, each with its result', async () => {
  await page.run(`create temp table numbers as select 1 as one;
    select null as nothing, '' as empty, 'a;b' as text, 1.50 as number from numbers;
    do $$ begin raise notice 'look: %', 42; raise warning 'oh'; end $$;`)
  expect((await page.read('[role="tab"].failed, .result-tabs [role="tab"]')).split('\n')).toEqual([
    '1 SELECT 1',
    '2 SELECT 1',
    '3 DO',
  ])
  expect(await cells(1)).toEqual(['NULL', '', 'a;b', '1.50'])
  expect(await page.read('[role="gridcell"] .null')).toBe('NULL')
  expect((await page.read('[role="columnheader"]')).split('\n').slice(1)).toEqual([
    'nothing text',
    'empty text',
    'text text',
    'number numeric',
  ])
  await page.click('3 DO')
  await page.reads('.report', 'NOTICE look: 42')
  await page.reads('.report', 'WARNING oh')
})

test('the selection runs alone, and Ctrl-Shift-Enter runs the statement at the cursor', async () => {
  await page.write("select 'first'; select 'second'")
  await page.press('Home')
  for (let i = 0; i < 14; i++) await page.press('Shift', 'ArrowRight')
  await page.press('Control', 'Enter')
  await page.finished()
  expect(await cells(1)).toEqual(['first'])
  await page.press('End')
  await page.press('Control', 'Shift', 'Enter')
  await until('it has run', async () => (await cells(1))[0] === 'second')
  expect(await page.read('.result-tabs')).toBe('')
})

test('a transaction stays open between statements, and the page says so', async () => {
  const other = await server.connect()
  await page.run('create table kept (n int); begin; insert into kept values (1)')
  await page.reads('.transaction', 'in a transaction')
  expect((await other.query('select * from kept')).rowCount).toBe(0)
  await page.run('select nonsense')
  await page.reads('.transaction', 'in a failed transaction')
  await page.run('rollback')
  await page.shows('no transaction', () => document.querySelector('.transaction')!.textContent === '')
})

test('an error is shown in PostgreSQL’s words, and its place is marked in the editor', async () => {
  await page.run("select '🐘';\n\nselect 1, nonsense\nfrom pg_class; select 3")
  await page.reads('[role="alert"]', 'column "nonsense" does not exist 42703')
  expect(await page.marked()).toEqual(['nonsense'])
  // What follows has not run.
  expect((await page.read('.result-tabs')).split('\n')).toEqual(['1 SELECT 1', '2 error'])
  await page.run('select 1 / 0')
  await page.reads('[role="alert"]', 'division by zero')
  expect(await page.marked()).toEqual([])
  await page.write('select nonsense')
  await page.click('Explain')
  await page.reads('[role="alert"]', 'column "nonsense" does not exist')
  expect(await page.marked()).toEqual(['nonsense'])
})

test('100,000 rows are there at once, and few of them are in the document', async () => {
  await page.page.evaluate(() => {
    new PerformanceObserver(list => {
      const longest = Math.max(...list.getEntries().map(({ duration }) => duration))
      document.body.dataset.longest = String(Math.max(longest, Number(document.body.dataset.longest ?? 0)))
    }).observe({ entryTypes: ['longtask'] })
  })
  await page.run("select i, repeat('x', 50) as text, i * 2 as double from generate_series(1, 100000) i")
  await page.reads('.facts', 'SELECT 100000')
  await page.press('Tab')
  await page.page.focus('[role="grid"]')
  await page.press('Control', 'End')
  await until('the last row is in sight', async () => (await cells(100_000))[0] === '100000')
  expect(await page.page.$$eval('[role="row"]', rows => rows.length)).toBeLessThan(100)
  expect(
    await page.page.$eval('[role="grid"]', grid => grid.ariaRowCount ?? grid.getAttribute('aria-rowcount')),
  ).toBe('100001')
  // Milliseconds for which the page did not react.
  expect(Number(await page.page.evaluate(() => document.body.dataset.longest ?? 0))).toBeLessThan(1000)
})

test('of a result without an end only the beginning is fetched', async () => {
  await page.run('select i, i from generate_series(1, 100000) i, generate_series(1, 100000) j')
  await page.reads('.facts', 'only the first 500,000 rows were fetched')
  await page.run('select 1')
  expect(await cells(1)).toEqual(['1'])
}, 120_000)

test('a running statement is cancelled by the button or Escape, and the session goes on', async () => {
  for (const cancel of [() => page.click('Cancel'), () => page.press('Escape')]) {
    await page.write('select pg_sleep(600)')
    await page.press('Control', 'Enter')
    const other = await server.connect()
    await until('it runs', async () => {
      const { rows } = await other.query("select 1 from pg_stat_activity where wait_event = 'PgSleep'")
      return rows.length === 1
    })
    await cancel()
    await page.reads('[role="alert"]', 'canceling statement due to user request 57014')
  }
  await page.run('select 1')
  expect(await cells(1)).toEqual(['1'])
})

test('EXPLAIN is a tree that the keyboard opens and closes, with times, rows and buffers by ANALYZE', async () => {
  const sql = 'select count(*) from pg_class c join pg_attribute a on a.attrelid = c.oid'
  await page.write(sql)
  await page.click('Explain')
  await page.reads('[role="treegrid"]', 'Aggregate')
  await page.finished()
  const levels = () =>
    page.page.$$eval('[role="treegrid"] [aria-level]', rows =>
      rows.map(row => row.getAttribute('aria-level')),
    )
  expect((await levels()).slice(0, 3)).toEqual(['1', '2', '3'])
  expect(await page.read('[role="treegrid"] thead')).toMatch(/cost\s+rows\s+width/)
  await page.click('Analyze')
  await page.reads('[role="treegrid"] thead', 'own time')
  const rows = (await page.read('[role="treegrid"] tbody tr')).replaceAll(/\s+/g, ' ')
  expect(rows).toMatch(/Seq Scan pg_attribute a [\d.]+ ms [\d.]+ ms [\d,]+ [≠ ]*[\d,]+ 1 hit \d+/)
  expect(await page.read('.plan-summary')).toMatch(/planning [\d.]+ ms\s*execution [\d.]+ ms/)
  const before = (await levels()).length
  await page.page.focus('[role="treegrid"] [aria-level="1"]')
  await page.press('ArrowLeft')
  await until('it is closed', async () => (await levels()).length === 1)
  await page.press('ArrowRight')
  await until('it is open', async () => (await levels()).length === before)
  await page.press('ArrowRight')
  expect(await page.page.evaluate(() => document.activeElement?.getAttribute('aria-level'))).toBe('2')
})

test('results are copied as CSV, a cell as it is', async () => {
  const copied = () => page.page.evaluate(() => navigator.clipboard.readText())
  await page.run(`select 'a "b", c' as x, null as y, '' as z union all select e'd\\ne', 'f', 'g'`)
  await page.click('Copy as CSV')
  await until('it is there', async () => (await copied()) === 'x,y,z\r\n"a ""b"", c",,""\r\n"d\ne",f,g\r\n')
  await page.page.focus('[role="grid"]')
  await page.press('Control', 'c')
  await until('the cell is there', async () => (await copied()) === 'a "b", c')
  await page.press('ArrowDown')
  await page.press('End')
  await page.press('Control', 'c')
  await until('the other cell is there', async () => (await copied()) === 'g')
  await page.press('Shift', 'ArrowUp')
  await page.press('Control', 'c')
  await until('both rows are there', async () => (await copied()).startsWith('x,y,z\r\n"a '))
})

test('a whole value is shown by Enter, JSON with its lines', async () => {
  await page.run(`select '{"a": [1, 2]}'::json`)
  await page.page.focus('[role="grid"]')
  await page.press('Enter')
  await page.reads('dialog', '{\n  "a": [\n    1,')
  await page.press('Escape')
  await page.shows('no dialog', () => document.querySelector('dialog') === null)
})

test('COPY TO STDOUT shows its lines, COPY FROM STDIN is an error', async () => {
  await page.run("copy (select 1, 'two') to stdout with csv")
  expect(await cells(1)).toEqual(['1,two'])
  await page.run('create temp table copied (n int); copy copied from stdin')
  await page.reads('[role="alert"]', 'the console has no data for COPY FROM STDIN')
})

test('when the session is terminated the page says so, and the next statement has a new one', async () => {
  await page.run('select pg_backend_pid()')
  const [pid] = await cells(1)
  const other = await server.connect()
  await other.query('select pg_terminate_backend($1)', [pid])
  await page.reads('.banner', 'terminating connection due to administrator command')
  await page.run('select pg_backend_pid()')
  expect((await cells(1))[0]).not.toBe(pid)
  expect(await page.read('.banner')).toBe('')
})

test('the text of the editor is still there when the page is loaded again', async () => {
  await page.write("select 'kept'")
  await page.page.reload()
  await page.shows('the text', () =>
    document
      .querySelector('.editor')
      ?.shadowRoot?.querySelector('.cm-content')
      ?.textContent?.includes('kept'),
  )
})
