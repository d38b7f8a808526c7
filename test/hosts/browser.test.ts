/** The embedded server in a page that may compile WebAssembly and nothing else. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Browser } from 'puppeteer-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nodeModules } from '../../examples/browser/node-modules.mjs'
import { dist, repository } from '../../wasm/build/paths.js'
import { launchChromium } from '../fixtures/chromium.js'
import { WORKS } from '../fixtures/embedded/expected.js'

const POLICY = {
  'Content-Security-Policy': "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'",
}
/** Of the isolated page and its scripts; there is another page at /plain/. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** Runs in a Web Worker, where the server does not keep the page from being drawn. */
const WORKER = `
  import '../../../examples/browser/src/node/globals.js'
  import { tryPostgres } from './try-postgres.ts'
  self.onmessage = async ({ data }) => {
    try {
      self.postMessage({ result: await tryPostgres(data) })
    } catch (error) {
      self.postMessage({ error: error.stack })
    }
  }
`

/** The worker and all it imports, as one script. */
async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: WORKER, resolveDir: join(repository, 'test', 'fixtures', 'embedded') },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    alias: nodeModules,
  })
  return outputFiles[0]!.contents
}

let folder: string
let browser: Browser | undefined
let server: Server
let url: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'chromium-'))
  const script = await bundle()
  server = createServer(({ url: path = '/' }, response) => {
    const isolated = !path.startsWith('/plain/')
    const headers = { ...POLICY, ...(isolated && ISOLATION) }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (path === '/' || path === '/plain/')
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>PostgreSQL</title>')
    else if (path.endsWith('/worker.js')) response.setHeader('Content-Type', 'text/javascript').end(script)
    else response.end(readFileSync(join(dist, path.replace('/postgres/', ''))))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  browser = await launchChromium(folder)
}, 600_000)

afterAll(async () => {
  await browser?.close()
  server.close()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** What tryPostgres() answers in a worker of the page at this path. */
async function tryIn(path: string): Promise<{ result?: unknown; error?: string }> {
  const page = await browser!.newPage()
  await page.goto(url + path)
  return page.evaluate(
    () =>
      new Promise<{ result?: unknown; error?: string }>(resolve => {
        const worker = new Worker('worker.js', { type: 'module' })
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = ({ message }) => resolve({ error: message })
        worker.postMessage('/postgres/')
      }),
  )
}

test('in Chromium sessions wait for each other, and one runs to completion, without unsafe-eval', async () => {
  const works = { result: { ...WORKS, codeGeneration: false, sharedMemory: true } }
  expect(await tryIn('/')).toMatchObject(works)
}, 600_000)

test('the same in a page that is not isolated from others, which can share no memory with threads', async () => {
  const works = { result: { ...WORKS, codeGeneration: false, sharedMemory: false } }
  expect(await tryIn('/plain/')).toMatchObject(works)
}, 600_000)
