/** Copies of running servers, native and this one, by `clone`, and standbys by `--standby-of`. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { Command } from '../fixtures/command.js'
import { contentsOf, requireSound } from '../fixtures/contents.js'
import { connectionTo, program18 } from '../fixtures/native-programs.js'
import { ServerProcess } from '../fixtures/server.js'
import { type EitherServer, SharedDirectory } from '../fixtures/shared-directory.js'
import { until } from '../fixtures/until.js'

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'clone-test-'))
const directories: SharedDirectory[] = []
const servers: EitherServer[] = []
afterAll(async () => {
  for (const server of servers) await server.kill().catch(() => {})
  for (const directory of directories) directory.remove()
  rmSync(folder, { recursive: true, force: true })
})

const urlOf = ({ port }: { port: number }) => `postgres://postgres@127.0.0.1:${port}`

async function directory(make: () => Promise<SharedDirectory>): Promise<SharedDirectory> {
  const made = await make()
  directories.push(made)
  return made
}

async function started(server: Promise<EitherServer>): Promise<EitherServer> {
  servers.push(await server)
  return server
}

/** Its exit code, and what it printed to stderr. */
async function outcome(...args: string[]): Promise<[number | null, string]> {
  const command = new Command(...args)
  return [await command.closed, command.stderr]
}

const TABLE = `create table numbers as select i, repeat(md5(i::text), 20) as text from generate_series(1, 40000) i;
  create index on numbers (text)`

test('a native server that works meanwhile is copied as a whole, tablespaces inside, and the copy is sound', async () => {
  const origin = await directory(() => SharedDirectory.make('native'))
  const native = await started(origin.start('native'))
  const space = origin.tree.makeDirectory(`space-${process.pid}`)
  const client = await native.connect()
  await client.query(TABLE)
  await client.query(`create tablespace elsewhere location '${space}'`)
  await client.query('create table aside tablespace elsewhere as select generate_series(1, 5000) i')
  const load = (await program18('pgbench'))(['-i', '-q', '-s', '5'], connectionTo(native))
  const loaded = new Promise(resolve => load.on('close', resolve))

  const copy = await directory(() => SharedDirectory.empty())
  const [code, progress] = await outcome('clone', urlOf(native), '-D', copy.path)
  expect([code, progress]).toEqual([0, expect.stringMatching(/^received 0 of \d+ MB.*\(100 %\)\n$/s)])
  await loaded
  const names = ['aside', 'numbers']
  const expected = await contentsOf(client)
  await native.stop()
  origin.tree.removeDirectory(space)

  await copy.program('pg_verifybackup', [copy.inside])
  for (const side of ['ours', 'native'] as const) {
    const server = await started(copy.start(side))
    const session = await server.connect()
    const contents = await contentsOf(session)
    for (const name of names) expect(contents[name]).toBe(expected[name])
    await requireSound(session)
    expect((await session.query('select pg_is_in_recovery() as is')).rows).toEqual([{ is: false }])
    await server.stop()
  }
})

test('--standby-of follows, by a slot and with a password, and follows elsewhere when told so', async () => {
  const password = `it's a \\ "p@ss" %`
  writeFileSync(join(folder, 'password'), `${password}\n`)
  const origin = join(folder, 'origin')
  const primary = await ServerProcess.start({
    args: ['-D', origin, '--password-file', join(folder, 'password'), '-c', 'fsync=off'],
  })
  const url = `postgres://postgres:${encodeURIComponent(password)}@localhost:${primary.port}`
  const args = ['-D', join(folder, 'standby'), '-c', 'fsync=off', '--standby-of']
  const standby = await ServerProcess.start({
    // Node 20 compiles its HTTP parser when node-postgres is loaded.
    ban: false,
    args: [...args, url, '--slot', 'its_own'],
  })
  const client = await primary.connect({ password })
  await client.query('create table followed as select 1 as i')
  const reader = await standby.connect({ password })
  await until('the table is there', async () => {
    return (await reader.query("select to_regclass('followed') as name")).rows[0].name !== null
  })
  const slots = 'select slot_name, active from pg_replication_slots'
  expect((await client.query(slots)).rows).toEqual([{ slot_name: 'its_own', active: true }])

  // A copy of a standby is no standby, unless it is asked for.
  const copied = await outcome('clone', url.replace(/\d+$/, String(standby.port)), '-D', join(folder, 'copy'))
  expect(copied[0]).toBe(0)
  expect(existsSync(join(folder, 'copy', 'standby.signal'))).toBe(false)
  const copy = await ServerProcess.start({ args: ['-D', join(folder, 'copy')] })
  expect((await (await copy.connect({ password })).query('table followed')).rows).toEqual([{ i: 1 }])
  await copy.endClients()
  await copy.stop()
  const refused = new Command('-D', join(folder, 'copy'), '--standby-of', url)
  expect(await refused.closed).toBe(1)
  expect(refused.stderr).toMatch(/^[^\n]*copy" is no standby: name an empty [^\n]*\n$/)
  expect(refused.stderr).not.toContain('p%40ss')

  await standby.endClients()
  await standby.stop()
  const name = `${url}?application_name=${encodeURIComponent("it's back")}`
  const back = await ServerProcess.start({ ban: false, args: [...args, name] })
  await until('it is back', async () => {
    const { rows } = await client.query('select application_name as name from pg_stat_replication')
    return rows[0]?.name === "it's back"
  })
  const promoted = await back.connect({ password })
  await promoted.query('select pg_promote()')
  await promoted.query('insert into followed values (2)')
  for (const server of [back, primary]) {
    await server.endClients()
    expect(await server.stop()).toBe(0)
  }
})

test('what cannot be copied is told in a line, and leaves nothing; what a copy has to change is told as well', async () => {
  const source = await ServerProcess.start()
  const client = await source.connect()
  await client.query(TABLE)
  await client.query('create role nobody login')
  for (const setting of ["archive_mode = 'on'", "archive_command = 'cp %p /srv/%f'", "jit = 'on'"])
    await client.query(`alter system set ${setting}`)
  await client.query("alter system set synchronous_standby_names = 'others'")
  const url = urlOf(source)
  const target = join(folder, 'not', 'made')
  for (const [from, reason] of [
    ['http://localhost', /^[^\n]*name the server by a URL, such as postgres:[^\n]*\n$/],
    [url.replace(/\d+$/, '1'), /^[^\n]*cannot connect to [^\n]*:1: connect ECONNREFUSED[^\n]*\n$/],
    [url.replace('postgres@', 'nobody@'), /^[^\n]*permission denied to start WAL sender[^\n]*\n$/],
    [`${url}?sslmode=require`, /^[^\n]*does not support SSL[^\n]*\n$/],
  ] as const)
    expect(await outcome('clone', from, '-D', target)).toEqual([1, expect.stringMatching(reason)])
  writeFileSync(join(folder, 'other'), '')
  expect(await outcome('clone', url, '-D', folder)).toEqual([1, expect.stringMatching(/is not empty/)])

  const [code, said] = await outcome('clone', url, '-D', join(folder, 'whole'))
  expect([code, said.split('\n').slice(-4)]).toEqual([
    0,
    [
      "jit = 'on' does not apply here: statements are not compiled",
      expect.stringMatching(
        /^archive_mode = 'on', .*: change it, or the copy writes into the original's archive$/,
      ),
      expect.stringMatching(/^synchronous_standby_names = 'others': reset it, or commits wait/),
      '',
    ],
  ])

  const interrupted = new Command('clone', url, '-D', target, '--max-rate', '2048')
  await until('the copy has begun', () => /received/.test(interrupted.stderr))
  await source.stop('SIGKILL')
  expect(await interrupted.closed).toBe(1)
  expect(interrupted.stderr).toMatch(/\n[^\n]*gives no base backup: Connection terminated[^\n]*\n$/)
  expect(existsSync(join(folder, 'not'))).toBe(false)
  expect(readFileSync(join(folder, 'other'), 'utf8')).toBe('')
})
