/** examples/cloudflare, as its README says: copied, installed, run by wrangler, reached by HTTP and by PostgreSQL's clients. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'
import { installPackage, removePackage } from '../fixtures/installed-package.js'

const PASSWORD = 'secret'

/** Wrangler serializes 24 MB of modules at each start, by copying them again and again. */
const WRANGLER_START = 240_000

const environment = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' }

let folder: string | undefined
const children = new Set<ChildProcess>()

/** Starts a program in the folder, and resolves with what it says when that matches. */
async function start(
  args: string[],
  ready: RegExp,
): Promise<{ child: ChildProcess; match: RegExpExecArray }> {
  // In a group of its own, for wrangler has processes that a signal to it alone does not reach in time.
  const child = spawn('npx', ['--no-install', ...args], {
    cwd: folder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    let output = ''
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', text => {
        output += text
        const found = ready.exec(output)
        if (found !== null) resolve(found)
      })
    child.once('close', code => reject(new Error(`${args[0]} ended with ${code}:\n${output}`)))
  })
  return { child, match }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  children.delete(child)
  const closed = once(child, 'close')
  process.kill(-child.pid!, signal)
  await closed
}

async function startWorker(): Promise<{ child: ChildProcess; url: string }> {
  const options = ['--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0']
  const { child, match } = await start(['wrangler', 'dev', ...options], /Ready on (http:\/\/\S+)/)
  return { child, url: match[1]! }
}

/** What psql and Prisma would use; ends it and its client when done. */
async function throughBridge(url: string, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const remote = url.replace('http', 'ws')
  const args = ['pglite-imports-server', '--remote', remote, '-h', '127.0.0.1', '-p', '0']
  const { child, match } = await start(args, /127\.0\.0\.1[: ](?:port )?(\d+)/)
  const client = new pg.Client({
    host: '127.0.0.1',
    port: Number(match[1]),
    user: 'postgres',
    password: PASSWORD,
  })
  await client.connect()
  await use(client)
  await client.end()
  await end(child, 'SIGINT')
}

beforeAll(async () => {
  folder = await installPackage(join(repository, 'examples', 'cloudflare'))
  writeFileSync(join(folder, '.dev.vars'), `POSTGRES_PASSWORD=${PASSWORD}\n`)
}, 600_000)

afterAll(async () => {
  for (const child of children) await end(child, 'SIGKILL')
  removePackage(folder)
})

describe('the template for Cloudflare', () => {
  test('is what wrangler can deploy, within the limits of a paid plan', () => {
    const output = execFileSync('npx', ['--no-install', 'wrangler', 'deploy', '--dry-run'], {
      cwd: folder,
      env: environment,
      encoding: 'utf8',
    })
    const [, total, compressed] = /Total Upload: ([\d.]+) KiB \/ gzip: ([\d.]+) KiB/.exec(output)!
    expect(Number(total)).toBeLessThan(64 * 1024)
    expect(Number(compressed)).toBeLessThan(10 * 1024)
  }, 120_000)

  test(
    'keeps what was written when it is started again',
    async () => {
      const first = await startWorker()
      const added = await fetch(first.url, { method: 'POST', body: 'Ada' })
      expect(await added.json()).toEqual([{ id: 1, name: 'Ada' }])
      await throughBridge(first.url, async client => {
        await client.query('create table kept as select id from generate_series(1, 1000) id')
        await client.query("insert into guests (name) values ('Grace')")
      })
      await end(first.child, 'SIGINT')

      const second = await startWorker()
      expect(await (await fetch(second.url)).json()).toEqual([
        { id: 1, name: 'Ada' },
        { id: 2, name: 'Grace' },
      ])
      await throughBridge(second.url, async client => {
        const { rows } = await client.query('select count(*)::int, sum(id)::int from kept')
        expect(rows).toEqual([{ count: 1000, sum: 500500 }])
      })
      await end(second.child, 'SIGINT')
    },
    2 * WRANGLER_START,
  )
})
