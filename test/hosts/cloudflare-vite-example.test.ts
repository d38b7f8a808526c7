/** examples/cloudflare-vite, as its README says: copied, installed, built and run by Vite. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Example } from '../fixtures/example.js'

let example: Example

beforeAll(async () => {
  example = await Example.install('cloudflare-vite')
}, 600_000)

afterAll(() => example?.remove())

const READY = /Local: +(http:\/\/127\.0\.0\.1:\d+)\//
const LISTEN = ['--host', '127.0.0.1', '--port', '0']

async function add(url: string, name: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/guests`, { method: 'POST', headers, body: JSON.stringify({ name }) })
  expect(response.status).toBe(201)
  return response.json()
}

describe('the template for Cloudflare and Vite', () => {
  test('is built, runs as it would be deployed, and keeps what was written for the next start', async () => {
    await example.run('vite', 'build')
    const { child: built, match } = await example.start(['vite', 'preview', ...LISTEN], READY)
    expect(await add(match[1]!, 'Ada')).toEqual({ id: 1, name: 'Ada' })
    await example.throughBridge(match[1]!, async client => {
      await client.query("insert into guests (name) values ('Grace')")
    })
    await example.end(built, 'SIGINT')

    const { child, match: again } = await example.start(['vite', 'preview', ...LISTEN], READY)
    expect(await (await fetch(`${again[1]}/guests`)).json()).toEqual([
      { id: 1, name: 'Ada' },
      { id: 2, name: 'Grace' },
    ])
    await example.end(child, 'SIGINT')
  }, 240_000)

  test('runs while it is developed', async () => {
    const { child, match } = await example.start(['vite', 'dev', ...LISTEN], READY)
    expect(await add(match[1]!, 'Barbara')).toMatchObject({ name: 'Barbara' })
    await example.end(child, 'SIGINT')
  }, 240_000)
})
