/** examples/nextjs: `next dev` with a module that changes, and what `next build` writes. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../bench/system.js'
import { Example, type Running } from '../fixtures/example.js'
import { until } from '../fixtures/until.js'

let example: Example
beforeAll(async () => {
  example = await Example.install('nextjs')
}, 300_000)
afterAll(() => example.remove())

/** Starts a program of the example, and resolves to its URL when it answers. */
async function serve(args: readonly string[], ready: RegExp): Promise<{ url: string; running: Running }> {
  const port = String(await freePort())
  const environment = { PORT: port, HOSTNAME: '127.0.0.1', DATA_DIR: join(example.folder, 'data') }
  const running = await example.start([...args], ready, environment)
  return { url: `http://127.0.0.1:${port}`, running }
}

async function add(url: string, name: string): Promise<void> {
  const { status } = await fetch(`${url}/api/goods`, { method: 'POST', body: JSON.stringify({ name }) })
  expect(status).toBe(201)
}

const goods = async (url: string): Promise<{ name: string }[]> => (await fetch(`${url}/api/goods`)).json()

/** The start of the server that uses the cluster. */
const started = () =>
  readFileSync(join(example.folder, 'data', 'postmaster.pid'), 'utf8')
    .split('\n')
    .slice(0, 4)

test('next dev keeps one server while modules change', async () => {
  const { url, running } = await serve(['next', 'dev'], /Ready/)
  await add(url, 'lamp')
  const before = started()
  for (const [file, from, to] of [
    ['app/api/goods/route.js', 'order by id', 'order by id desc'],
    ['lib/database.js', "user: 'postgres'", "user: 'postgres', max: 3"],
  ] as const) {
    const path = join(example.folder, file)
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
  }
  await add(url, 'chair')
  await until('the changed route answers', async () => (await goods(url))[0]?.name === 'chair')
  expect(await goods(url)).toEqual([{ name: 'chair' }, { name: 'lamp' }])
  expect(started()).toEqual(before)
  await example.end(running.child, 'SIGTERM')
}, 120_000)

test.each([['--turbopack'], ['--webpack']])(
  'next build %s writes a standalone server, which runs elsewhere',
  async bundler => {
    for (const folder of ['.next', 'data', 'elsewhere'])
      rmSync(join(example.folder, folder), { recursive: true, force: true })
    await example.run('next', 'build', bundler)
    renameSync(join(example.folder, '.next/standalone'), join(example.folder, 'elsewhere'))
    const modules = join(example.folder, 'node_modules')
    renameSync(modules, `${modules}-hidden`)
    try {
      const { url, running } = await serve([process.execPath, 'elsewhere/server.js'], /Ready/)
      await add(url, 'lamp')
      expect(await goods(url)).toEqual([{ name: 'lamp' }])
      expect(await (await fetch(url)).text()).toContain('<li>lamp</li>')
      await example.end(running.child, 'SIGTERM')
    } finally {
      renameSync(`${modules}-hidden`, modules)
    }
  },
  240_000,
)

test('a bundle with the package in it finds the files, or says what to write into next.config', async () => {
  const config = join(example.folder, 'next.config.mjs')
  writeFileSync(config, readFileSync(config, 'utf8').replace(/^ *serverExternalPackages.*\n/m, ''))
  for (const folder of ['.next', 'data'])
    rmSync(join(example.folder, folder), { recursive: true, force: true })
  await example.run('next', 'build')
  const bundle = [process.execPath, '.next/standalone/server.js']
  const first = await serve(bundle, /Ready/)
  await add(first.url, 'lamp')
  await example.end(first.running.child, 'SIGTERM')

  for (const modules of ['node_modules', '.next/standalone/node_modules'])
    rmSync(join(example.folder, modules, 'pglite-imports-server'), { recursive: true, force: true })
  const second = await serve(bundle, /Ready/)
  let errors = ''
  second.running.child.stderr!.on('data', text => {
    errors += text
  })
  expect((await fetch(`${second.url}/api/goods`)).status).toBe(500)
  await until('the error is printed', async () => errors.includes('StartupError'))
  expect(errors).toContain("write serverExternalPackages: ['pglite-imports-server'] into next.config")
  await example.end(second.running.child, 'SIGTERM')
}, 240_000)
