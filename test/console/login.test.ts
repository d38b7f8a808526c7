/** The console is a client as any other: pg_hba.conf says who may log in, and how. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Command } from '../fixtures/command.js'
import { consoleUrl, useConsolePages } from '../fixtures/console-page.js'
import { useServer } from '../fixtures/server.js'

const folder = mkdtempSync(join(tmpdir(), 'console-'))
afterAll(() => rmSync(folder, { recursive: true }))
const PASSWORD = 'päßword, with ﬁ'
writeFileSync(join(folder, 'password'), `${PASSWORD}\n`, { mode: 0o600 })

// Node's own HTTP module compiles a parser when it is loaded.
const server = useServer({ args: ['--console', '--password-file', join(folder, 'password')], ban: false })
const open = useConsolePages()

/** A cluster as others make them, in which every connection needs a password, also those of this machine. */
const md5Cluster = join(folder, 'md5')
beforeAll(async () => {
  const options = ['-D', md5Cluster, '-A', 'md5', `--pwfile=${join(folder, 'password')}`]
  const command = new Command('init', ...options)
  if ((await command.closed) !== 0) throw new Error(command.stderr)
})
const md5Server = useServer({ args: ['--console', '-D', md5Cluster], ban: false })

test('a server with a password asks for it, and lets nobody in without', async () => {
  const page = await open(consoleUrl(server.output))
  await page.shows('the form', () => document.querySelector('[name="password"]') !== null)
  expect(await page.read('[role="alert"]')).toBe('')
  await page.page.type('[name="password"]', 'wrong')
  await page.press('Enter')
  await page.reads('[role="alert"]', 'password authentication failed for user "postgres"')
  await page.page.type('[name="password"]', PASSWORD)
  await page.press('Enter')
  await page.run('select current_user, inet_client_addr()')
  const values = await page.page.$$eval('[role="gridcell"]', cells => cells.map(cell => cell.textContent))
  expect(values).toEqual(['postgres', expect.stringMatching(/^(127\.0\.0\.1|::1)$/)])
})

test('a server that asks for md5 passwords of all connections lets the page in by password, and the charts say what they lack', async () => {
  const page = await open(consoleUrl(md5Server.output))
  await page.shows('the form', () => document.querySelector('[name="password"]') !== null)
  await page.page.type('[name="password"]', 'wrong')
  await page.press('Enter')
  await page.reads('[role="alert"]', 'password authentication failed for user "postgres"')
  await page.page.type('[name="password"]', PASSWORD)
  await page.press('Enter')
  await page.run("select left(passwd, 3) from pg_shadow where usename = 'postgres'")
  expect(await page.read('[role="gridcell"]')).toBe('md5')
  await page.page.click('#part-charts-tab')
  await page.shows('why there are no statistics', () =>
    /no statistics from PostgreSQL: .*PGPASSWORD/.test(
      document.querySelector('#part-charts')?.textContent ?? '',
    ),
  )
  // They ask every two seconds, and PostgreSQL logs each attempt to log in: here that of the form, and the first of the charts.
  await setTimeout(5000)
  expect(md5Server.log.match(/FATAL: {2}password authentication failed/g)).toHaveLength(2)
})

test('the password is kept nowhere: it is asked for again when the page is loaded again', async () => {
  const page = await open(consoleUrl(server.output))
  await page.shows('the form', () => document.querySelector('[name="password"]') !== null)
  await page.page.type('[name="password"]', PASSWORD)
  await page.press('Enter')
  await page.run("select 'in'")
  expect(
    await page.page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    ),
  ).not.toContain('word')
  await page.page.reload()
  await page.shows('the form', () => document.querySelector('[name="password"]') !== null)
})

test('another database is chosen in the header', async () => {
  const client = await server.connect({ password: PASSWORD })
  await client.query('create database other')
  const page = await open(consoleUrl(server.output))
  await page.shows('the form', () => document.querySelector('[name="password"]') !== null)
  await page.page.type('[name="password"]', PASSWORD)
  await page.press('Enter')
  await page.shows('the database', () => document.querySelector('.whereabouts option:nth-child(2)') !== null)
  await page.page.select('.whereabouts select', 'other')
  await page.shows(
    'the choice',
    () => document.querySelector<HTMLSelectElement>('.whereabouts select')?.value === 'other',
  )
  await page.run('select current_database()')
  expect(await page.read('[role="gridcell"]')).toBe('other')
})
