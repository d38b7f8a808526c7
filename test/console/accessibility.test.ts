/** The console for those who use the keyboard or a screen reader: axe-core finds nothing in any part of it, in either theme. */
import axe from 'axe-core'
import { expect, test } from 'vitest'
import { type ConsolePage, consoleUrl, useConsolePages } from '../fixtures/console-page.js'
import { useServer } from '../fixtures/server.js'

// Node's own HTTP module compiles a parser when it is loaded.
const server = useServer({ args: ['--console'], ban: false })
const open = useConsolePages()

/** What axe-core finds in the page as it is now. */
async function violations(page: ConsolePage, rules: Record<string, { enabled: boolean }>): Promise<string[]> {
  await page.page.evaluate(axe.source)
  const found = await page.page.evaluate(async given => {
    const { axe: checker } = globalThis as unknown as { axe: typeof import('axe-core') }
    return (await checker.run({ rules: given })).violations
  }, rules)
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`),
  )
}

test.each(['light', 'dark'] as const)(
  'axe-core finds nothing in the %s page',
  async scheme => {
    const [holder, waiter] = [await server.connect(), await server.connect()]
    await holder.query('create table if not exists held (n int primary key)')
    await holder.query('begin; lock table held')
    const pid = (await waiter.query('select pg_backend_pid() as pid')).rows[0].pid as number
    const waiting = waiter.query('select * from held')
    const page = await open(consoleUrl(server.output), scheme)
    const found: Record<string, string[]> = {}
    const look = async (part: string, rules = {}) => {
      found[part] = await violations(page, rules)
    }
    await page.run("select 1 as one, null as nothing; select 'two'")
    await look('rows')
    await page.run("do $$ begin raise notice 'look'; end $$; select nonsense from pg_class")
    await look('error')
    await page.write('select * from pg_class join pg_namespace n on n.oid = relnamespace')
    await page.click('Analyze')
    await page.reads('[role="treegrid"]', 'Hash')
    await look('plan')
    await page.page.focus('.editor')
    await page.write('sel')
    await page.press('Control', ' ')
    await new Promise(resolve => setTimeout(resolve, 300))
    // The list scrolls with the keys of the editor, which keeps the focus.
    await look('completion', { 'scrollable-region-focusable': { enabled: false } })
    await page.click('Sessions')
    await page.reads('.graph', 'waits')
    await look('sessions')
    await page.click(`Terminate ${pid}`)
    await look('dialog')
    await page.press('Escape')
    await page.click('Tables')
    await page.reads('[aria-label="Tables"]', 'held')
    await look('tables')
    await page.click('Charts')
    await page.reads('.legend', 'commits')
    await look('charts')
    await page.click('Other user')
    await look('login')
    await holder.query('rollback')
    await waiting
    expect(Object.values(found).flat()).toEqual([])
  },
  120_000,
)

test('all of it works by the keyboard alone', async () => {
  const page = await open(consoleUrl(server.output))
  const { keyboard } = page.page
  /** The name of what has the focus, also within the editor. */
  const focused = () =>
    page.page.evaluate(() => {
      const { activeElement } = document
      const element = activeElement?.shadowRoot?.activeElement ?? activeElement
      return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? ''
    })
  /** Presses Tab, or with Shift, until this has the focus. */
  const goTo = async (name: string, back = false) => {
    const passed: string[] = []
    while (!(await focused()).startsWith(name)) {
      passed.push(await focused())
      if (passed.length > 40) throw new Error(`Tab does not lead to ${name}, but to ${passed.join(', ')}`)
      await (back ? page.press('Shift', 'Tab') : page.press('Tab'))
    }
  }
  // The editor has the focus at first, and Tab leaves it.
  await page.shows(
    'the editor',
    () =>
      document.activeElement?.shadowRoot?.activeElement !== null && document.activeElement !== document.body,
  )
  expect(await focused()).toBe('SQL')
  await keyboard.type('select 1 as one; select 2 as two;')
  await page.press('Control', 'Enter')
  await page.finished()
  await goTo('2 SELECT 1')
  await page.press('ArrowLeft')
  expect(await focused()).toBe('1 SELECT 1')
  await goTo('Rows')
  await page.press('Control', 'c')
  await page.shows('the copy', async () => (await navigator.clipboard.readText()) === '1')
  await goTo('Run', true)
  await page.press('Tab')
  // Cancel is disabled.
  expect(await focused()).toBe('Explain')
  await page.press('Enter')
  await page.reads('[role="treegrid"]', 'Result')
  await goTo('Query', true)
  await page.press('ArrowRight')
  expect(await focused()).toBe('Sessions')
  await page.reads('#part-sessions', 'pid')
  await goTo('pid')
  await page.press('Enter')
  await page.shows(
    'the order',
    () => document.querySelector('#part-sessions [aria-sort="descending"]') !== null,
  )
  const client = await server.connect()
  const pid = (await client.query('select pg_backend_pid() as pid')).rows[0].pid as number
  await page.reads('#part-sessions tbody', String(pid))
  await goTo(`Terminate ${pid}`)
  await page.press('Enter')
  await page.reads('dialog', 'Terminate session')
  // Doing nothing is what Enter does.
  expect(await focused()).toBe('Do nothing')
  await page.press('Enter')
  expect(await focused()).toBe(`Terminate ${pid}`)
  await page.press('Enter')
  await page.press('Shift', 'Tab')
  const ended = new Promise(resolve => client.once('end', resolve))
  await page.press('Enter')
  await ended
  await goTo('Sessions', true)
  await page.press('ArrowRight')
  await page.press('ArrowRight')
  expect(await focused()).toBe('Charts')
  await page.press('ArrowRight')
  expect(await focused()).toBe('Query')
})
