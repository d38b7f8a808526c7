/** TLS of this package's own programs, which connect by libpq: to native PostgreSQL, and to this server. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { dist } from '../../wasm/build/paths.js'
import { run } from '../fixtures/native-programs.js'
import { ServerProcess } from '../fixtures/server.js'
import { makeCertificates, startNativeTls, startOwnTls, type TlsServer } from '../fixtures/tls-servers.js'
import { until } from '../fixtures/until.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const certificates = makeCertificates()
const { folder, ca, stranger, alice } = certificates
afterAll(certificates.remove)

/** A home directory without files of libpq's. */
const home = join(folder, 'home')
mkdirSync(home)

const program = (name: string) => (args: string[], env: NodeJS.ProcessEnv) =>
  spawn(join(dist, 'commands', name), args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: home, PGUSER: 'anyone', ...env },
  })

const SESSION = `select ssl, version, client_dn from pg_stat_ssl where pid = pg_backend_pid()`

interface Answer {
  code: number | null
  stdout: string
  /** Without what psql puts before it. */
  stderr: string
}

/** Connects by psql, with these options of libpq. */
async function connectBy(options: string, env: NodeJS.ProcessEnv = {}): Promise<Answer> {
  const { code, stdout, stderr } = await run(
    program('psql'),
    ['-XAtc', SESSION, `dbname=postgres ${options}`],
    env,
  )
  return { code, stdout: stdout.trim(), stderr: stderr.trim() }
}

describe.each([
  ['native PostgreSQL', startNativeTls, /SSL error: tlsv1 alert unknown ca$/],
  // It lets the handshake end before.
  ['this server', startOwnTls, /SSL connection has been closed unexpectedly$/],
])('to %s', (_, start, strangerIsTold) => {
  let server: TlsServer
  let there: string
  beforeAll(async () => {
    server = await start(certificates)
    await (await server.connect()).query('create role anyone superuser login')
    there = `hostaddr=127.0.0.1 host=localhost port=${server.port}`
  })
  afterAll(() => server.stop())

  test.each([
    ['', 't|TLSv1.3|'],
    ['sslmode=disable user=plain', 'f||'],
    ['sslmode=allow user=plain', 'f||'],
    ['sslmode=allow', 't|TLSv1.3|'],
    ['sslmode=prefer', 't|TLSv1.3|'],
    ['sslmode=require', 't|TLSv1.3|'],
    ['sslmode=require sslnegotiation=direct', 't|TLSv1.3|'],
    ['sslmode=verify-ca sslrootcert=ca.crt host=other.example', 't|TLSv1.3|'],
    ['sslmode=verify-full sslrootcert=ca.crt', 't|TLSv1.3|'],
    ['sslmode=verify-full sslrootcert=ca.crt host=127.0.0.1', 't|TLSv1.3|'],
    ['sslmode=require sslsni=0 ssl_max_protocol_version=tlsv1.2', 't|TLSv1.2|'],
    ['sslmode=require sslcertmode=disable', 't|TLSv1.3|'],
  ])('%s', async (options, session) => {
    expect(await connectBy(`${there} ${options}`)).toEqual({ code: 0, stdout: session, stderr: '' })
  })

  test.each([
    [
      'sslmode=require sslrootcert=stranger.crt',
      /: SSL error: certificate verify failed: self-signed certificate in certificate chain$|: SSL error: certificate verify failed: unable to/,
    ],
    ['sslmode=verify-ca sslrootcert=stranger.crt', /: SSL error: certificate verify failed: /],
    [
      'sslmode=verify-full',
      /root certificate file ".*\/home\/\.postgresql\/root\.crt" does not exist\nEither provide the file, use the system's trusted roots/,
    ],
    ['sslmode=verify-full sslrootcert=no.crt', /root certificate file "no.crt" does not exist\n/],
    [
      'sslmode=verify-full sslrootcert=server.key',
      /could not read root certificate file "server.key": no certificate or crl found$/,
    ],
    [
      'sslmode=verify-full sslrootcert=ca.crt host=other.example',
      /server certificate for "localhost" \(and 1 other name\) does not match host name "other.example"$/,
    ],
    [
      'sslmode=verify-full sslrootcert=ca.crt host=127.0.0.2',
      /server certificate for "localhost" \(and 1 other name\) does not match host name "127.0.0.2"$/,
    ],
    ['sslmode=verify-full sslrootcert=system', /SSL error: certificate verify failed: /],
    ['sslmode=require sslrootcert=system', /weak sslmode "require" may not be used with sslrootcert=system/],
    [
      'sslmode=require sslcert=ca.crt sslkey=no.key',
      /certificate present, but not private key file "no.key"$/,
    ],
    [
      'sslmode=require sslcert=alice.crt sslkey=open.key',
      /private key file "open.key" has group or world access/,
    ],
    [
      'sslmode=require sslcert=alice.crt sslkey=server.key',
      /certificate does not match private key file "server.key": key values mismatch$/,
    ],
    [
      'sslmode=require sslcert=server.key sslkey=server.key',
      /could not read certificate file "server.key": no start line$/,
    ],
    [
      'sslmode=require sslcert=alice.crt sslkey=encrypted.key',
      /could not load private key file "encrypted.key": it is encrypted: give its password by sslpassword$/,
    ],
    [
      'sslmode=require sslcert=alice.crt sslkey=encrypted.key sslpassword=wrong',
      /could not load private key file "encrypted.key": bad decrypt$/,
    ],
    ['sslmode=require sslcertmode=require', /server accepted connection without a valid SSL certificate$/],
    ['sslmode=disable', /no pg_hba.conf entry for host "127.0.0.1", user "anyone"/],
  ])('%s: refused', async (options, reason) => {
    const { code, stderr } = await connectBy(`${there} ${options}`)
    expect(stderr).toMatch(reason)
    expect(code).toBe(2)
  })

  test('with a client certificate: in the forms that keys have, and none that is missing, foreign or revoked', async () => {
    const as = `${there} user=alice sslmode=require`
    const session = { code: 0, stdout: 't|TLSv1.3|/CN=alice', stderr: '' }
    for (const key of [
      'alice.key',
      'alice.der',
      'encrypted.key sslpassword=secret',
      'encrypted.der sslpassword=secret',
    ])
      expect(await connectBy(`${as} sslcert=alice.crt sslkey=${key}`)).toEqual(session)
    expect(await connectBy(`${as} sslcert=alice.crt sslkey=alice.key sslcertmode=require`)).toEqual(session)
    expect((await connectBy(as)).stderr).toMatch(/connection requires a valid client certificate/)
    expect((await connectBy(`${as} sslcert=stranger.crt sslkey=stranger.key`)).stderr).toMatch(strangerIsTold)
    // Also from the home directory.
    const files = join(home, '.postgresql')
    mkdirSync(files)
    try {
      for (const [from, to] of [
        [alice.certificate, 'postgresql.crt'],
        [alice.key, 'postgresql.key'],
        [ca.certificate, 'root.crt'],
      ])
        copyFileSync(from!, join(files, to!))
      expect(await connectBy(`${there} user=alice sslmode=verify-full`)).toEqual(session)
      copyFileSync(stranger.certificate, join(files, 'root.crt'))
      expect((await connectBy(as)).stderr).toMatch(/certificate verify failed/)
    } finally {
      spawnSync('rm', ['-r', files])
    }
  })

  test('with revocation lists: in a file, in a directory, and of the home directory', async () => {
    const as = `${there} sslmode=verify-ca sslrootcert=ca.crt`
    for (const options of ['sslcrl=none.crl', 'sslcrl=empty.crl', 'sslcrldir=empty-lists', 'sslcrl=missing'])
      expect([options, (await connectBy(`${as} ${options}`)).code]).toEqual([options, 0])
    for (const options of ['sslcrl=revoked.crl', 'sslcrldir=lists'])
      expect((await connectBy(`${as} ${options}`)).stderr).toMatch(
        /SSL error: certificate verify failed: certificate revoked/,
      )
    expect((await connectBy(`${as} sslcrldir=nothing`)).stderr).toMatch(/unable to get certificate CRL/)
  })

  test('with a password, bound to the channel', async () => {
    const as = `${there} user=scram`
    for (const binding of ['require', 'prefer', 'disable'])
      expect(await connectBy(`${as} sslmode=require password=secret channel_binding=${binding}`)).toEqual({
        code: 0,
        stdout: 't|TLSv1.3|',
        stderr: '',
      })
    expect((await connectBy(`${as} sslmode=require password=wrong channel_binding=require`)).stderr).toMatch(
      /password authentication failed for user "scram"/,
    )
    expect((await connectBy(`${as} sslmode=disable password=secret channel_binding=require`)).stderr).toMatch(
      /channel binding required, but SSL not in use/,
    )
  })

  test('\\conninfo tells what the connection has', async () => {
    const { stdout } = await run(program('psql'), ['-X', '-c', '\\conninfo', `${there} dbname=postgres`], {})
    for (const line of [
      /SSL Connection +\| true/,
      /SSL Library +\| OpenSSL/,
      /SSL Protocol +\| TLSv1.3/,
      /SSL Key Bits +\| 256/,
      /SSL Cipher +\| TLS_AES_256_GCM_SHA384/,
      /SSL Compression +\| false/,
      /ALPN +\| postgresql/,
    ])
      expect(stdout).toMatch(line)
  })

  test('pg_dump and pg_restore by a URL, with rows larger than all buffers', async () => {
    const client = await server.connect()
    for (const name of ['dumped', 'restored']) await client.query(`create database ${name}`)
    const dumped = await server.connect('dumped')
    await dumped.query(
      `create table t as select i, repeat(md5(i::text), 3000) as s from generate_series(1, 400) i`,
    )
    const url = (database: string) =>
      `postgres://anyone@localhost:${server.port}/${database}?sslmode=verify-full&sslrootcert=ca.crt`
    const file = join(folder, 'dump')
    expect(await run(program('pg_dump'), ['-Fc', '-f', file, url('dumped')], {})).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect(await run(program('pg_restore'), ['-d', url('restored'), file], {})).toMatchObject({
      code: 0,
      stderr: '',
    })
    const sum = 'select count(*), md5(string_agg(s, $$$$ order by i)) as md5 from t'
    const restored = await server.connect('restored')
    expect((await restored.query(sum)).rows).toEqual((await dumped.query(sum)).rows)
  })

  test('pg_basebackup', async () => {
    const backup = join(folder, `backup-${server.port}`)
    const to = `${there} sslmode=require user=postgres`
    const args = ['-X', 'fetch', '-D', backup, '--checkpoint=fast', '-d', to]
    expect(await run(program('pg_basebackup'), args, {})).toMatchObject({ code: 0, stderr: '' })
    expect(existsSync(join(backup, 'backup_manifest'))).toBe(true)
  })

  test('Ctrl-C cancels', async () => {
    const child = program('psql')(
      ['-X', '-c', 'select pg_sleep(60)', `${there} dbname=postgres sslmode=require`],
      {},
    )
    let stderr = ''
    child.stderr.on('data', text => {
      stderr += text
    })
    const ended = new Promise(resolve => child.on('close', resolve))
    const client = await server.connect()
    await until('it sleeps', async () => {
      const { rows } = await client.query(`select 1 from pg_stat_activity where wait_event = 'PgSleep'`)
      return rows.length === 1
    })
    child.kill('SIGINT')
    await ended
    expect(stderr).toMatch(/canceling statement due to user request/)
  })

  test('the end of the session is told', async () => {
    const { stderr } = await run(
      program('psql'),
      [
        '-X',
        '-c',
        'select pg_terminate_backend(pg_backend_pid())',
        `${there} dbname=postgres sslmode=require`,
      ],
      {},
    )
    expect(stderr).toMatch(
      /terminating connection due to administrator command\n.*SSL connection has been closed unexpectedly/s,
    )
  })

  test('secrets are logged where that is asked for', async () => {
    const log = join(folder, `secrets-${server.port}`)
    expect(await connectBy(`${there} sslmode=require sslkeylogfile=${log}`)).toMatchObject({ code: 0 })
    expect(readFileSync(log, 'utf8')).toMatch(/^(\w+ [0-9a-f]{64} [0-9a-f]+\n)+$/)
    const { code, stderr } = await connectBy(`${there} sslmode=require sslkeylogfile=/nowhere/log`)
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/could not open SSL key logging file "\/nowhere\/log"/),
    ])
  })
})

beforeAll(() => {
  const openssl = (...args: string[]) => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
  }
  // The forms that keys have.
  openssl('pkey', '-in', 'alice.key', '-outform', 'DER', '-out', 'alice.der')
  openssl('pkcs8', '-topk8', '-in', 'alice.key', '-passout', 'pass:secret', '-out', 'encrypted.key')
  openssl(
    'pkcs8',
    '-topk8',
    '-in',
    'alice.key',
    '-passout',
    'pass:secret',
    '-outform',
    'DER',
    '-out',
    'encrypted.der',
  )
  copyFileSync(alice.key, join(folder, 'open.key'))
  for (const name of ['stranger.key', 'alice.der', 'encrypted.key', 'encrypted.der'])
    chmodSync(join(folder, name), 0o600)
  chmodSync(join(folder, 'open.key'), 0o644)
  // The authority's revocation lists: of none, and of the server's certificate.
  writeFileSync(
    join(folder, 'ca.cnf'),
    '[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\ndefault_crl_days=2\n',
  )
  writeFileSync(join(folder, 'index.txt'), '')
  writeFileSync(join(folder, 'number'), '01\n')
  const list = (file: string) =>
    openssl(...['ca', '-config', 'ca.cnf', '-gencrl', '-cert', 'ca.crt', '-keyfile', 'ca.key', '-out', file])
  list('none.crl')
  openssl(...['ca', '-config', 'ca.cnf', '-revoke', 'server.crt', '-cert', 'ca.crt', '-keyfile', 'ca.key'])
  list('revoked.crl')
  writeFileSync(join(folder, 'empty.crl'), 'nothing')
  for (const [directory, file] of [
    ['lists', 'revoked.crl'],
    ['empty-lists', 'none.crl'],
  ] as const) {
    mkdirSync(join(folder, directory))
    copyFileSync(join(folder, file), join(folder, directory, 'any.r0'))
  }
  mkdirSync(join(folder, 'nothing'))
})

describe('a server without TLS', () => {
  let server: ServerProcess
  beforeAll(async () => {
    server = await ServerProcess.start()
  })
  afterAll(() => server.stop())

  test('is connected to unless TLS is demanded', async () => {
    const there = `hostaddr=127.0.0.1 host=localhost port=${server.port} user=postgres`
    expect(await connectBy(there)).toEqual({ code: 0, stdout: 'f||', stderr: '' })
    expect((await connectBy(`${there} sslmode=require`)).stderr).toMatch(
      /server does not support SSL, but SSL was required$/,
    )
    expect((await connectBy(`${there} sslmode=require sslnegotiation=direct`)).stderr).toMatch(
      /SSL (SYSCALL )?error/,
    )
  })

  test('TLS that begins and breaks off is reported, and does not hold connect_timeout up', async () => {
    const clients = new Set<Socket>()
    let answer = (_client: Socket) => {}
    const listener = createServer(client => {
      clients.add(client)
      client.on('error', () => {})
      client.once('data', () => {
        client.write('S')
        client.once('data', () => answer(client))
      })
    }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const there = () => `hostaddr=127.0.0.1 port=${(listener.address() as AddressInfo).port} sslmode=require`
    answer = client => client.destroy()
    expect((await connectBy(there())).stderr).toMatch(/SSL SYSCALL error: /)
    answer = client => client.write('HTTP/1.1 400 Bad Request\r\n\r\n')
    expect((await connectBy(there())).stderr).toMatch(
      /SSL error: wrong version number\nThis may indicate that/,
    )
    answer = () => {}
    expect((await connectBy(`${there()} connect_timeout=2`)).stderr).toMatch(/timeout expired$/)
    for (const client of clients) client.destroy()
    listener.close()
  })
})
