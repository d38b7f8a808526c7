/** The console for other machines: by HTTPS on the same port, with the server's certificate. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import WebSocket from 'ws'
import { consoleUrl, useConsolePages } from '../fixtures/console-page.js'
import { useServer } from '../fixtures/server.js'

const PASSWORD = 'secret'
const folder = mkdtempSync(join(tmpdir(), 'console-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'password'), PASSWORD, { mode: 0o600 })
// Encryption is demanded of all, as many do for other machines.
writeFileSync(join(folder, 'rules'), 'local all all trust\nhostssl all all all scram-sha-256\n')

/** An address of this machine only, which the server takes for one that others reach, as browsers do. */
const ADDRESS = '::ffff:127.0.0.1'

// Node's own HTTP module compiles a parser when it is loaded.
const server = useServer({
  args: [
    ...['--console', '--http-host', ADDRESS, '--tls-self-signed'],
    ...['--password-file', join(folder, 'password'), '-c', `hba_file=${join(folder, 'rules')}`],
  ],
  ban: false,
})
const open = useConsolePages({ acceptInsecureCerts: true })
const url = () => consoleUrl(server.output)
const plain = () => url().replace('https:', 'http:')

/** The status and headers of an answer; certificates are not looked at. */
function get(
  address: string,
  headers: Record<string, string> = {},
): Promise<[number, Record<string, unknown>]> {
  const request = address.startsWith('https:') ? requestByHttps : requestByHttp
  return new Promise((resolve, reject) => {
    request(address, { headers, rejectUnauthorized: false, agent: false }, response => {
      response.resume()
      resolve([response.statusCode!, response.headers])
    })
      .on('error', reject)
      .end()
  })
}

test('the printed URL is one of HTTPS, where the page logs in by SCRAM, as a client with TLS', async () => {
  expect(url()).toMatch(/^https:/)
  const page = await open(url())
  await page.shows('the form', () => document.querySelector('[name="password"]') !== null)
  await page.page.type('[name="password"]', PASSWORD)
  await page.press('Enter')
  await page.run('select ssl, version, inet_client_addr() from pg_stat_ssl where pid = pg_backend_pid()')
  const values = await page.page.$$eval('[role="gridcell"]', cells => cells.map(cell => cell.textContent))
  expect(values).toEqual(['t', 'TLSv1.3', '127.0.0.1'])
})

test('a statement is cancelled by HTTPS, too', async () => {
  const page = await open(url())
  await page.shows('the form', () => document.querySelector('[name="password"]') !== null)
  await page.page.type('[name="password"]', PASSWORD)
  await page.press('Enter')
  await page.write('select pg_sleep(600)')
  await page.press('Control', 'Enter')
  await page.shows('that it runs', () =>
    [...document.querySelectorAll('button')].some(
      button => button.textContent === 'Cancel' && !button.disabled,
    ),
  )
  await page.press('Escape')
  await page.finished()
  expect(await page.page.evaluate(() => document.body.textContent)).toContain(
    'canceling statement due to user request',
  )
})

test('plain HTTP leads to HTTPS, and gives no session', async () => {
  const { host } = new URL(url())
  expect(await get(plain())).toMatchObject([308, { location: new URL(url()).href }])
  const socket = new WebSocket(`${plain().replace('http', 'ws')}session`, { origin: `http://${host}` })
  const status = await new Promise(resolve =>
    socket.on('error', () => {}).on('unexpected-response', (_, response) => resolve(response.statusCode)),
  )
  expect(status).toBe(403)
})

test('at a name that only this machine has, plain HTTP is enough', async () => {
  const { port, pathname } = new URL(url())
  expect(await get(`http://127.0.0.1:${port}${pathname}`)).toMatchObject([200, {}])
})

test('the monitor answers by both', async () => {
  const { host } = new URL(url())
  for (const scheme of ['http', 'https']) expect((await get(`${scheme}://${host}/ready`))[0]).toBe(200)
})

test('clients that send nothing, or half a handshake, disturb nobody and do not delay the end', async () => {
  const { port } = new URL(url())
  for (const bytes of ['', '\x16', '\x16\x03\x01\x00\xff', 'G']) {
    const socket = connectTcp(Number(port), '127.0.0.1').on('error', () => {})
    socket.write(bytes, 'latin1')
  }
  const tls = connect({
    port: Number(port),
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: ['h2', 'http/1.1'],
  })
  await new Promise(resolve => tls.once('secureConnect', resolve))
  expect(tls.alpnProtocol).toBe('http/1.1')
  expect((await get(url()))[0]).toBe(200)
  // They stay until the server stops, which useServer() awaits.
})
