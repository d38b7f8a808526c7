/** docs/operations.md: what pgcli, pg_top and pg_activity show of a server. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installDebianPackages } from '../fixtures/debian-packages.js'
import { blocksBelow } from '../fixtures/documented-commands.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const server = useServer()

let folder: string
beforeAll(() => {
  installDebianPackages(['pg-activity', 'pgcli', 'pgtop'])
  folder = mkdtempSync(join(tmpdir(), 'monitors-'))
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs it in a terminal of its own until it lists this. */
async function lists(command: string, wanted: RegExp, env: NodeJS.ProcessEnv): Promise<void> {
  const output = join(folder, 'listed.csv')
  const inTerminal = `stty cols 120 rows 40; ${command} --output ${output}`
  const child = spawn('script', ['-qec', inTerminal, '/dev/null'], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env,
  })
  const closed = once(child, 'close')
  const list = () => (existsSync(output) ? readFileSync(output, 'utf8') : '')
  try {
    await until(`${command} lists ${wanted}`, () => wanted.test(list()))
  } finally {
    child.stdin.write('q')
  }
  expect(await closed).toEqual([0, null])
}

test('pg_activity lists the queries of all for a role that does not know the data directory', async () => {
  const env = { ...process.env, PGPORT: String(server.port), TERM: 'xterm' }
  const block = blocksBelow('docs/operations.md', 'Monitoring').find(text => text.includes('pg_activity'))!
  const [createRole, watch] = block.trim().split('\n') as [string, string]
  execFileSync('bash', ['-c', createRole], { env })
  const client = await server.connect()
  const asleep = client.query('select pg_sleep(600)').catch(() => {})
  await lists(watch, /select pg_sleep\(600\)/, env)
  const other = await server.connect()
  await other.query(
    `select pg_cancel_backend(pid) from pg_stat_activity where query like 'select pg_sleep(600)'`,
  )
  await asleep
})

/** Runs a command in a terminal of its own. Returns what it shows, without the terminal's control sequences. */
function shownBy(command: string, input = ''): string {
  const env = { ...process.env, PGHOST: 'localhost', PGPORT: String(server.port), TERM: 'xterm' }
  const shown = execFileSync('script', ['-qec', command, '/dev/null'], { input, env, timeout: 60_000 })
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are control sequences.
  return shown.toString().replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
}

test('pgcli describes a table and shows rows', () => {
  const input = [
    'create table people (id int, name text);',
    "insert into people values (1, 'Ada');",
    '\\d people',
  ]
  const shown = shownBy('pgcli -U postgres postgres', `${[...input, 'table people;', '\\q'].join('\n')}\n`)
  expect(shown).toMatch(/\| name +\| text +\|/)
  expect(shown).toMatch(/\| 1 +\| Ada +\|/)
})

test('pg_top lists the processes, with the transactions of those that have one', async () => {
  const client = await server.connect()
  const [{ pid }] = (await client.query('select pg_backend_pid() as pid')).rows as [{ pid: number }]
  const asleep = client.query('select pg_sleep(600)').catch(() => {})
  const shown = shownBy('pg_top -b -x 1 -U postgres -d postgres')
  expect(shown).toMatch(new RegExp(`${pid} postgres .* active`))
  const other = await server.connect()
  await other.query('select pg_cancel_backend($1)', [pid])
  await asleep
})
