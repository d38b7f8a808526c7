/** Not a way in that the package offers, for Cloudflare lets no TCP in; workerd does, if it is told to be experimental. */
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeRuntimeFolder, type Runtime, startRuntime } from '../fixtures/workerd/runtime.js'

let folder: string
let runtime: Runtime
let log = ''

beforeAll(async () => {
  const entry = fileURLToPath(new URL('../fixtures/workerd/tcp.ts', import.meta.url))
  folder = await makeRuntimeFolder(entry, 'tcp')
  const onOutput = (text: string) => {
    log = (log + text).slice(-20_000)
  }
  runtime = await startRuntime(folder, onOutput, ['--experimental'])
})

afterAll(async () => {
  const ended = new Promise(resolve => runtime.child.once('exit', resolve))
  runtime.child.kill('SIGKILL')
  await ended
  rmSync(folder, { recursive: true })
})

test('clients that connect by TCP have sessions of their own', async () => {
  const options = { host: '127.0.0.1', port: runtime.port, user: 'postgres' }
  const [a, b] = [new pg.Client(options), new pg.Client(options)]
  for (const client of [a, b]) client.on('error', () => {})
  await a.connect().catch(error => Promise.reject(new Error(`${error}\n${log}`)))
  await b.connect()
  await a.query("set application_name = 'a'; create table kept as select 1 as one")
  const { rows } = await b.query("select one, current_setting('application_name') as name from kept")
  expect(rows).toEqual([{ one: 1, name: '' }])
  await a.end()
  await b.end()
})
