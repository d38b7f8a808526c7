/** TLS of connections that the server makes to others, native and this one: foreign tables, dblink, subscriptions, standbys. */
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Command } from '../fixtures/command.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { makeCertificates, startNativeTls, startOwnTls, type TlsServer } from '../fixtures/tls-servers.js'
import { until } from '../fixtures/until.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const certificates = makeCertificates()
const { folder, ca, stranger, alice } = certificates
afterAll(certificates.remove)

const server = useServer({ args: ['-D', join(folder, 'data')] })

let session: pg.Client
beforeAll(async () => {
  // Beside the cluster's files, where its processes may read.
  for (const [from, to] of [
    [ca.certificate, 'ca.crt'],
    [stranger.certificate, 'stranger.crt'],
    [alice.certificate, 'alice.crt'],
    [alice.key, 'alice.key'],
  ] as const)
    copyFileSync(from, join(folder, 'data', to))
  const client = await server.connect()
  await client.query('create extension dblink; create extension postgres_fdw')
})
beforeEach(async () => {
  session = await server.connect()
})

describe.each([
  ['native PostgreSQL', startNativeTls],
  ['this server', startOwnTls],
])('to %s', (_, start) => {
  let other: TlsServer
  let there: string
  let remote: pg.Client
  beforeAll(async () => {
    other = await start(certificates)
    remote = await other.connect()
    await remote.query('create role anyone superuser login')
    await remote.query('create table numbers as select generate_series(1, 100000) as i')
    await remote.query('alter table numbers add primary key (i)')
    await remote.query('create publication everything for all tables')
    there = `hostaddr=127.0.0.1 host=localhost port=${other.port} dbname=postgres`
  })
  afterAll(() => other.stop())

  /** What the other server knows of a connection by dblink. */
  const seen = async (options: string) =>
    (
      await session.query('select ssl, client_dn from dblink($1, $2) as t(ssl bool, client_dn text)', [
        `${there} user=anyone ${options}`,
        'select ssl, client_dn from pg_stat_ssl where pid = pg_backend_pid()',
      ])
    ).rows[0]

  test('dblink', async () => {
    expect(await seen('')).toEqual({ ssl: true, client_dn: null })
    expect(await seen('user=plain sslmode=disable')).toEqual({ ssl: false, client_dn: null })
    expect(await seen('sslmode=verify-full sslrootcert=ca.crt')).toEqual({ ssl: true, client_dn: null })
    expect(await seen('user=alice sslmode=require sslcert=alice.crt sslkey=alice.key')).toEqual({
      ssl: true,
      client_dn: '/CN=alice',
    })
    expect(await seen('user=scram password=secret channel_binding=require')).toEqual({
      ssl: true,
      client_dn: null,
    })
    for (const [options, reason] of [
      ['sslmode=disable', /no pg_hba.conf entry/],
      ['sslmode=require sslrootcert=stranger.crt', /SSL error: certificate verify failed/],
      [
        'sslmode=verify-full sslrootcert=ca.crt host=other.example',
        /server certificate for "localhost" \(and 1 other name\) does not match host name "other.example"/,
      ],
      // Files of the machine are none of the server's.
      [`sslmode=verify-ca sslrootcert=${ca.certificate}`, /root certificate file ".*" does not exist/],
      [
        `sslmode=require sslcert=${alice.certificate}`,
        /could not open certificate file ".*alice.crt": Permission denied/,
      ],
    ] as const)
      await expect(seen(options), options).rejects.toMatchObject({
        message: 'could not establish connection',
        detail: expect.stringMatching(reason),
      })
  })

  test('postgres_fdw reads and writes, and cancels', async () => {
    await session.query(`create server f foreign data wrapper postgres_fdw options
      (hostaddr '127.0.0.1', host 'localhost', port '${other.port}', dbname 'postgres', sslmode 'verify-full', sslrootcert 'ca.crt')`)
    await session.query(`create user mapping for public server f options (user 'anyone')`)
    await session.query(`create foreign table far (i int) server f options (table_name 'numbers')`)
    expect((await session.query('select sum(i) as sum, count(*)::int as count from far')).rows).toEqual([
      { sum: '5000050000', count: 100000 },
    ])
    await session.query('insert into far select generate_series(100001, 110000)')
    expect((await remote.query('select max(i) as max from numbers')).rows).toEqual([{ max: 110000 }])
    await session.query('delete from far where i > 100000')

    await remote.query(`create view slow as select pg_sleep(60)::text as i`)
    await session.query(`create foreign table slow (i text) server f options (table_name 'slow')`)
    const pid = (await session.query('select pg_backend_pid() as pid')).rows[0].pid
    const failure = expect(session.query('table slow')).rejects.toThrow(
      'canceling statement due to user request',
    )
    const sleeping = () =>
      remote.query(`select ssl from pg_stat_ssl natural join pg_stat_activity where wait_event = 'PgSleep'`)
    await until('it sleeps', async () => (await sleeping()).rows.length === 1)
    expect((await sleeping()).rows).toEqual([{ ssl: true }])
    await (await server.connect()).query('select pg_cancel_backend($1)', [pid])
    await failure
    // The other server has been told, and the connection is whole.
    await until('it has stopped', async () => (await sleeping()).rows.length === 0)
    expect((await session.query('select count(*)::int as count from far')).rows).toEqual([{ count: 100000 }])
    await session.query('drop server f cascade')
  })

  test('a subscription', async () => {
    await session.query('create table numbers (i int primary key)')
    await session.query(`create subscription s connection '${there} user=anyone sslmode=verify-full sslrootcert=ca.crt'
      publication everything`)
    const count = async () =>
      (await session.query('select count(*)::int as count from numbers')).rows[0].count
    await until('all rows are copied', async () => (await count()) === 100000)
    await remote.query('insert into numbers values (0)')
    await until('a change has arrived', async () => (await count()) === 100001)
    expect(
      (
        await remote.query(
          'select ssl from pg_stat_ssl natural join pg_stat_activity where application_name = $1',
          ['s'],
        )
      ).rows,
    ).toEqual([{ ssl: true }])
    await session.query('drop subscription s')
    await session.query('drop table numbers')
  })

  test('a copy by clone, and a standby, with a copy of the certificates', async () => {
    const url = `postgres://anyone@localhost:${other.port}`
    const outcome = async (...args: string[]) => {
      const command = new Command({ env: { HOME: folder } }, ...args)
      return [await command.closed, command.stderr] as const
    }
    const target = join(folder, `copy-${other.port}`)
    for (const [options, reason] of [
      ['', /no pg_hba.conf entry/],
      [`?sslmode=verify-full&sslrootcert=${stranger.certificate}`, /self-signed certificate|unable to/],
    ] as const)
      expect(await outcome('clone', `${url}${options}`, '-D', target)).toEqual([
        1,
        expect.stringMatching(reason),
      ])
    const [code, stderr] = await outcome('clone', `${url}?sslmode=require`, '-D', target)
    expect([code, stderr]).toEqual([0, expect.stringMatching(/100 %/)])
    expect(existsSync(join(target, 'primary-root.crt'))).toBe(false)

    const directory = join(folder, `standby-${other.port}`)
    const query = new URLSearchParams({
      sslmode: 'verify-full',
      sslrootcert: ca.certificate,
      sslcert: alice.certificate,
      sslkey: alice.key,
    })
    const standby = await ServerProcess.start({
      ban: false,
      args: [
        '-D',
        directory,
        '-c',
        `hba_file=${join(directory, 'pg_hba.conf')}`,
        '--standby-of',
        `${url}?${query}`,
      ],
    })
    const reader = await standby.connect()
    await remote.query('create table followed as select 1 as i')
    await until('the table is there', async () => {
      return (await reader.query(`select to_regclass('followed') as name`)).rows[0].name !== null
    })
    expect(
      (
        await remote.query(
          `select ssl, client_dn from pg_stat_ssl natural join pg_stat_activity where backend_type = 'walsender'`,
        )
      ).rows,
    ).toEqual([{ ssl: true, client_dn: '/CN=alice' }])
    expect(readFileSync(join(directory, 'primary-root.crt'))).toEqual(readFileSync(ca.certificate))
    expect(statSync(join(directory, 'primary.key')).mode & 0o777).toBe(0o600)
    await standby.endClients()
    expect(await standby.stop()).toBe(0)
  })
})
