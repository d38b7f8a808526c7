/** examples/browser, as its README says: copied, installed, built by Vite and by esbuild, and run in Chromium. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'puppeteer-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchChromium } from '../fixtures/chromium.js'
import { Example } from '../fixtures/example.js'
import { until } from '../fixtures/until.js'

let example: Example
let folder: string
let browser: Browser | undefined

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chromium-'))
  browser = await launchChromium(folder)
  example = await Example.install('browser')
}, 600_000)

afterAll(async () => {
  await browser?.close()
  await example?.remove()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const READY = /Local: +(http:\/\/127\.0\.0\.1:\d+)\//
const LISTEN = ['--host', '127.0.0.1', '--port', '0']

/** What the page shows once it shows so many lines. */
async function answers(page: Page, lines: number): Promise<string[]> {
  const shown = () => page.$eval('pre', element => element.textContent?.trimEnd().split('\n') ?? [])
  await page.waitForFunction(`document.querySelector('pre').textContent.split('\\n').length > ${lines}`, {
    timeout: 60_000,
  })
  return shown()
}

async function ask(page: Page, sql: string): Promise<void> {
  await page.$eval(
    'textarea',
    (area, text) => {
      area.value = text
    },
    sql,
  )
  await page.click('button')
}

/** Opens the page that `vite` serves with these arguments, and uses it. */
async function tryPage(...args: string[]): Promise<void> {
  const { child, match } = await example.start(['vite', ...args, ...LISTEN], READY)
  const page = await browser!.newPage()
  const errors: unknown[] = []
  page.on('pageerror', error => errors.push(error))
  await page.goto(match[1]!)
  await answers(page, 1).catch(error => {
    throw new Error(`${error}: ${errors}`)
  })
  await ask(
    page,
    "select n, repeat('é', 30000) = repeat('é', 30000) as same, now() > '2020-01-01' as late from generate_series(1, 2) n",
  )
  await answers(page, 2)
  await ask(page, 'select 1/0')
  expect(await answers(page, 3)).toEqual([
    'PostgreSQL is ready',
    '[{"n":1,"same":true,"late":true},{"n":2,"same":true,"late":true}]',
    'ERROR:  division by zero',
  ])
  await ask(page, 'create table if not exists visits (id int); insert into visits values (1)')
  await answers(page, 4)
  // Another tab has the same database, and has it still when the first one is closed.
  const other = await browser!.newPage()
  await other.goto(match[1]!)
  await answers(other, 1)
  await page.close()
  await until('the other tab has the server', async () => {
    await ask(other, 'select count(*)::int from visits')
    await new Promise(resolve => setTimeout(resolve, 200))
    return (await answers(other, 1)).includes('[{"count":1}]')
  })
  expect(errors).toEqual([])
  await other.close()
  await example.end(child, 'SIGINT')
}

describe('the example for browsers', () => {
  test('is built by Vite', async () => {
    await example.run('vite', 'build')
    await tryPage('preview')
  }, 240_000)

  test('is built by esbuild', async () => {
    await example.runNode('esbuild.mjs')
    await tryPage('preview')
  }, 240_000)

  test('runs while it is developed', () => tryPage('dev'), 240_000)
})
