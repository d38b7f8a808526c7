/** Which clients may log in, from where, and by which method; a new server lets none in by accident. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { Command } from '../fixtures/command.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const folder = mkdtempSync(join(tmpdir(), 'admission-'))
afterAll(() => rmSync(folder, { recursive: true }))

const PASSWORD = 'correct horse, battery staple'

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** An address of this machine that is not a loopback one. */
const address = Object.values(networkInterfaces())
  .flatMap(list => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

describe('a new cluster that is given a password', () => {
  const socketDir = mkdtempSync(join(folder, 'sockets-'))
  const server = useServer({
    args: [
      ...['-h', '*', '-k', socketDir, '--password-file', file('password', `${PASSWORD}\n`)],
      ...['-v', '-c', 'log_statement=all', '-c', 'log_min_messages=debug1'],
      ...['-c', 'unix_socket_group=daemon'],
    ],
  })
  const client = (config: pg.ClientConfig) => server.connect({ password: PASSWORD, ...config })

  test('asks every client for it, whatever its address is', async () => {
    for (const host of ['127.0.0.1', '::1', ...(address === undefined ? [] : [address])]) {
      expect((await (await client({ host })).query('select current_user')).rows).toEqual([
        { current_user: 'postgres' },
      ])
      await expect(client({ host, password: 'wrong' })).rejects.toMatchObject({ code: '28P01' })
    }
  })

  test('stores it, and every other password, as a SCRAM-SHA-256 verifier', async () => {
    const superuser = await client({})
    await superuser.query("create role other login password 'another'")
    const { rows } = await superuser.query(
      "select rolname, rolpassword like 'SCRAM-SHA-256$4096:%' as scram from pg_authid where rolpassword is not null order by 1",
    )
    expect(rows).toEqual([
      { rolname: 'other', scram: true },
      { rolname: 'postgres', scram: true },
    ])
    await client({ user: 'other', password: 'another' })
  })

  test('does not reveal it in its log, its output, or its command line', async () => {
    await expect(client({ password: 'mistyped secret' })).rejects.toThrow()
    await until('the failure is logged', () => server.log.includes('password authentication failed'))
    const said = server.log + server.output + readFileSync(`/proc/${server.pid}/cmdline`, 'utf8')
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'mistyped secret'])
      expect(said).not.toContain(secret)
  })

  test('trusts every user that may open its unix socket, and only the owner may', async () => {
    const path = join(socketDir, `.s.PGSQL.${server.port}`)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    const { rows } = await (await client({ host: socketDir, password: 'none' })).query(
      'select client_addr, client_port from pg_stat_activity where pid = pg_backend_pid()',
    )
    expect(rows).toEqual([{ client_addr: null, client_port: -1 }])
  })

  test('gives its unix socket to the group of the setting', () => {
    const path = join(socketDir, `.s.PGSQL.${server.port}`)
    const number = /^daemon:[^:]*:(\d+):/m.exec(readFileSync('/etc/group', 'utf8'))![1]
    expect(statSync(path).gid).toBe(Number(number))
  })
})

describe('the address of a client', () => {
  const server = useServer()
  const host = '127.0.0.1'

  async function from(localAddress: string, user: string): Promise<pg.Client> {
    const stream = () => {
      const socket = new Socket()
      const connect = socket.connect.bind(socket)
      return Object.assign(socket, { connect: () => connect({ host, port: server.port, localAddress }) })
    }
    const client = new pg.Client({ stream, user, database: 'postgres' })
    client.on('error', () => {})
    await client.connect()
    return client
  }

  test('is what pg_stat_activity, the log and pg_hba.conf see', async () => {
    const superuser = await server.connect()
    const { rows } = await superuser.query("select setting from pg_settings where name = 'hba_file'")
    const rules = readFileSync(rows[0].setting, 'utf8')
    writeFileSync(
      rows[0].setting,
      `host all all 127.0.0.3/32 reject\nhost all all 127.0.0.2/32 trust\n${rules}`,
    )
    await superuser.query('select pg_reload_conf()')
    await until('the rule holds', async () => {
      const { rows } = await (await server.connect()).query(
        "select from pg_hba_file_rules where auth_method = 'reject'",
      )
      return rows.length === 1
    })
    const client = await from('127.0.0.2', 'postgres')
    const seen = await client.query(
      'select host(client_addr) as address, client_port as port, host(inet_client_addr()) as inet from pg_stat_activity where pid = pg_backend_pid()',
    )
    const stream = (client as never as { connection: { stream: { localPort: number } } }).connection.stream
    expect(seen.rows).toEqual([{ address: '127.0.0.2', port: stream.localPort, inet: '127.0.0.2' }])
    await client.end()
    await expect(from('127.0.0.3', 'postgres')).rejects.toThrow(
      /pg_hba.conf rejects connection for host "127.0.0.3"/,
    )
  })
})

describe('listening for other machines', () => {
  test('needs a password or TLS, or --insecure-listen; and the error says so', async () => {
    const command = new Command('-p', '0', '-h', '0.0.0.0')
    expect(await command.closed).toBe(1)
    expect(command.stdout).toBe('')
    expect(command.stderr).toMatch(
      /listening on "0\.0\.0\.0" lets other machines connect.*--password-file.*--tls-cert.*--insecure-listen/,
    )
  })

  test('with --insecure-listen lets every client in', async () => {
    const server = await ServerProcess.start({ args: ['-h', '*', '--insecure-listen'] })
    const client = await server.connect({ host: address ?? '127.0.0.1' })
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }])
    await server.endClients()
    expect(await server.stop()).toBe(0)
  })

  test('is refused to an existing cluster with a rule that trusts them', async () => {
    const dataDir = join(folder, 'trusting')
    const first = await ServerProcess.start({ args: ['-D', dataDir] })
    await first.stop()
    const rules = readFileSync(join(dataDir, 'pg_hba.conf'), 'utf8')
    writeFileSync(join(dataDir, 'pg_hba.conf'), `${rules}host all all 0.0.0.0/0 trust\n`)
    const command = new Command('-D', dataDir, '-p', '0', '-h', '*')
    expect(await command.closed).toBe(1)
    expect(command.stderr).toMatch(/pg_hba\.conf" has a rule that trusts them/)

    writeFileSync(join(dataDir, 'pg_hba.conf'), `${rules}include_dir rules\n`)
    mkdirSync(join(dataDir, 'rules'))
    writeFileSync(join(dataDir, 'rules', 'more.conf'), 'include "../others"\n')
    writeFileSync(join(dataDir, 'others'), 'host "my db", another all 0.0.0.0/0 trust\n')
    const second = new Command('-D', dataDir, '-p', '0', '-h', '*')
    expect(await second.closed).toBe(1)
    expect(second.stderr).toMatch(/others" has a rule that trusts them/)
  })
})

test('a superuser of another name has the password, and asks for the metrics', async () => {
  const dataDir = join(folder, 'administrated')
  const options = ['-p', '0', '-D', dataDir, '--http-port', '0']
  const metrics = async (command: Command) => {
    const url = /health, metrics: +(\S+)/.exec(command.stdout)![1]!
    return (await fetch(`${url}/metrics`)).text()
  }
  const named = new Command(...options, '-U', 'admin', '--password-file', file('admin', PASSWORD))
  const url = new URL(await named.url())
  expect(url.username).toBe('admin')
  await until('it can be asked', async () => /^pg_up 1$/m.test(await metrics(named)))
  url.password = PASSWORD
  const client = new pg.Client(url.href)
  await client.connect()
  expect((await client.query('select rolname from pg_roles where rolsuper')).rows).toEqual([
    { rolname: 'admin' },
  ])
  await client.end()
  named.process.kill('SIGINT')
  await named.closed

  const unnamed = new Command(...options)
  await unnamed.url()
  await until('it says why not', async () =>
    (await metrics(unnamed)).includes(
      'role "postgres" does not exist: give the name of the cluster\'s superuser with -U',
    ),
  )
  unnamed.process.kill('SIGINT')
  await unnamed.closed
})

test('a password cannot be given on the command line, and an empty file is refused', async () => {
  const command = new Command('-p', '0', '--password', PASSWORD)
  expect(await command.closed).toBe(1)
  expect(command.stderr).toContain("unknown option '--password'")
  expect(command.stderr).not.toContain(PASSWORD)
  const empty = new Command('-p', '0', '--password-file', file('empty', '\n'))
  expect(await empty.closed).toBe(1)
  expect(empty.stderr).toMatch(/cannot read a password from ".*empty": its first line is empty/)
})

test('--run gives the password to its command, in its environment', async () => {
  const path = file('password-of-run', PASSWORD)
  const command = new Command(
    '-q',
    '-p',
    '0',
    '--password-file',
    path,
    '--run',
    'echo "$DATABASE_URL"; echo "$PGPASSWORD"',
  )
  expect(await command.closed).toBe(0)
  const [url = '', password] = command.stdout.split('\n')
  expect(new URL(url).password).toBe(encodeURIComponent(PASSWORD))
  expect(password).toBe(PASSWORD)
})
