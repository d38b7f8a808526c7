import { generateKeyPairSync } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getNativeTree } from '../../bench/native-tree.js'
import { authority, type Issued, issue } from '../fixtures/certificates.js'
import { connectionTo, machinePsql, type Program, program18, run } from '../fixtures/native-programs.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const folder = mkdtempSync(join(tmpdir(), 'tls-'))
afterAll(() => rmSync(folder, { recursive: true }))

const ca = authority(folder, 'ca')
const stranger = authority(folder, 'stranger')
const serverCertificate = issue(folder, ca, 'server', '/CN=localhost', 'DNS:localhost,IP:127.0.0.1')
const alice = issue(folder, ca, 'alice', '/O=Wonderland/CN=alice')
const mallory = issue(folder, stranger, 'mallory', '/CN=alice')

const server = useServer({
  args: [
    ...['--tls-cert', serverCertificate.certificate, '--tls-key', serverCertificate.key],
    ...['--tls-ca', ca.certificate],
  ],
})

const SESSION = `select ssl, version, cipher, bits, client_dn, client_serial is not null as serial, issuer_dn
  from pg_stat_ssl where pid = pg_backend_pid()`

beforeAll(async () => {
  const client = await server.connect()
  await client.query("create role alice login; create role scram login password 'secret'")
  const rules = [
    'hostssl all alice all cert',
    'host all scram all scram-sha-256',
    'hostssl all postgres all trust',
    'hostnossl postgres postgres all trust',
  ]
  const { rows } = await client.query('show hba_file')
  writeFileSync(rows[0].hba_file, `${rules.join('\n')}\n`)
  await client.query('select pg_reload_conf()')
  await client.end()
  await until('the rules hold', async () => {
    const { rows } = await (await server.connect()).query(
      'select count(*)::int as count from pg_hba_file_rules',
    )
    return rows[0].count === 4
  })
})

describe.each([
  ["psql of the machine's Debian release", async () => machinePsql, async () => ''],
  ['psql 18', () => program18('psql'), async () => (await getNativeTree()).root],
])('%s', (_, find, rootOf) => {
  let psql: Program
  const inTree = `/tmp/tls-${process.pid}`
  let root = ''
  let files = folder
  beforeAll(async () => {
    psql = await find()
    root = await rootOf()
    if (root === '') return
    files = inTree
    mkdirSync(join(root, inTree), { recursive: true })
    for (const { certificate, key } of [ca, alice, mallory])
      for (const file of [certificate, key]) copyFileSync(file, join(root, inTree, file.slice(folder.length)))
  })
  afterAll(() => {
    if (root !== '') rmSync(join(root, inTree), { recursive: true })
  })

  const named = ({ certificate, key }: Issued) => ({
    PGSSLCERT: files + certificate.slice(folder.length),
    PGSSLKEY: files + key.slice(folder.length),
  })

  async function session(env: NodeJS.ProcessEnv) {
    const all = { ...connectionTo(server), PGSSLCERT: '/nonexistent', ...env }
    return run(psql, ['-XAt', '-c', SESSION], all)
  }

  test.each(['require', 'prefer', 'allow'])('with sslmode=%s', async mode => {
    const { stdout, stderr } = await session({ PGSSLMODE: mode })
    expect(stderr).toBe('')
    expect(stdout).toMatch(mode === 'allow' ? /^f\|/ : /^t\|TLSv1\.3\|TLS_AES_256_GCM_SHA384\|256\|\|f\|\n$/)
  })

  test('with sslmode=verify-full', async () => {
    const env = { PGSSLMODE: 'verify-full', PGSSLROOTCERT: `${files}/ca.crt` }
    expect((await session({ ...env, PGHOST: 'localhost' })).stdout).toMatch(/^t\|/)
  })

  test('with TLS 1.2, and not with 1.1', async () => {
    const env = { PGSSLMODE: 'require', PGSSLMINPROTOCOLVERSION: 'TLSv1', PGSSLMAXPROTOCOLVERSION: 'TLSv1.2' }
    expect((await session(env)).stdout).toMatch(/^t\|TLSv1\.2\|/)
    const { code, stderr } = await session({ ...env, PGSSLMAXPROTOCOLVERSION: 'TLSv1.1' })
    expect(code).toBe(2)
    expect(stderr).toMatch(/SSL|unsupported protocol|no protocols available/)
  })

  test('with a password and the channel bound', async () => {
    const env = { PGSSLMODE: 'require', PGCHANNELBINDING: 'require', PGUSER: 'scram' }
    expect((await session({ ...env, PGPASSWORD: 'secret' })).stdout).toMatch(/^t\|/)
    expect((await session({ ...env, PGPASSWORD: 'wrong' })).stderr).toMatch(/password authentication failed/)
  })

  test('with a client certificate, which says who it is', async () => {
    const env = { PGSSLMODE: 'require', PGUSER: 'alice' }
    expect((await session({ ...env, ...named(alice) })).stdout).toMatch(
      /^t\|TLSv1\.3\|\S+\|256\|\/O=Wonderland\/CN=alice\|t\|\/CN=ca\n$/,
    )
    expect((await session(env)).stderr).toMatch(/connection requires a valid client certificate/)
    const forged = await session({ ...env, ...named(mallory) })
    expect(forged.code).toBe(2)
    await until('the reason is logged', () => /SSL connection: certificate verify failed/.test(server.log))
  })

  test('not as a role that the certificate does not name', async () => {
    const { stderr } = await session({ PGSSLMODE: 'disable', PGUSER: 'alice', ...named(alice) })
    expect(stderr).toMatch(/no pg_hba.conf entry for host "127.0.0.1", user "alice"/)
  })

  test('with a result larger than all buffers, and COPY in both directions', async () => {
    const env = { ...connectionTo(server), PGSSLMODE: 'require' }
    const { stdout } = await run(
      psql,
      ['-XAt', '-c', "select repeat('x', 1000) from generate_series(1, 20000)"],
      env,
    )
    expect(stdout.length).toBe(20000 * 1001)
    const input = `create temp table t (a text);\ncopy t from stdin;\n${`${'y'.repeat(999)}\n`.repeat(5000)}\\.\nselect count(*) from t;\n`
    expect((await run(psql, ['-XAtq'], env, input)).stdout).toBe('5000\n')
  })
})

test('psql 18 without a request first (sslnegotiation=direct)', async () => {
  const env = { ...connectionTo(server), PGSSLMODE: 'require', PGSSLNEGOTIATION: 'direct' }
  const { stdout, stderr } = await run(await program18('psql'), ['-XAt', '-c', SESSION], env)
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^t\|/)
})

test('a direct handshake for another protocol is refused', async () => {
  const socket = connectTls({
    host: '127.0.0.1',
    port: server.port,
    rejectUnauthorized: false,
    ALPNProtocols: ['http/1.1'],
  })
  await expect(
    new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)),
  ).rejects.toThrow()
})

test('node-postgres verifies the server, and is cancelled like others', async () => {
  const client = await server.connect({
    host: 'localhost',
    ssl: { ca: readFileSync(ca.certificate, 'utf8') },
  })
  expect((await client.query(SESSION)).rows[0]).toMatchObject({ ssl: true, version: 'TLSv1.3' })
  await expect(client.query('set statement_timeout = 100; select pg_sleep(60)')).rejects.toMatchObject({
    code: '57014',
  })
  await expect(
    server.connect({ host: 'localhost', ssl: { ca: readFileSync(stranger.certificate, 'utf8') } }),
  ).rejects.toThrow()
})

test('postgres.js with a client certificate', async () => {
  const ssl = {
    rejectUnauthorized: false,
    cert: readFileSync(alice.certificate),
    key: readFileSync(alice.key),
  }
  const sql = postgres({ host: '127.0.0.1', port: server.port, user: 'alice', database: 'postgres', ssl })
  expect((await sql`select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()`)[0]).toEqual({
    current_user: 'alice',
    ssl: true,
  })
  await sql.end()
})

test('a client that goes away, or sends garbage, in the handshake harms no other client', async () => {
  for (const bytes of [[], [0x16], [0x16, 3, 1, 0, 200, 1, 0], [...Buffer.from('GET / HTTP/1.0\r\n\r\n')]]) {
    const socket = connectTcp(server.port, '127.0.0.1')
    socket.on('error', () => {})
    await new Promise(resolve => socket.once('connect', resolve))
    socket.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]))
    await new Promise(resolve => socket.once('data', resolve))
    socket.write(Buffer.from(bytes))
    await new Promise(resolve => setImmediate(resolve))
    socket.destroy()
  }
  expect((await (await server.connect()).query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a reload takes a new certificate, and keeps the old one when the new one is no good', async () => {
  const issuer = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connectTls({
        host: '127.0.0.1',
        port: server.port,
        rejectUnauthorized: false,
        ALPNProtocols: ['postgresql'],
      })
      socket.once('secureConnect', () => {
        resolve(String(socket.getPeerCertificate().issuer.CN))
        socket.destroy()
      })
      socket.once('error', reject)
    })
  expect(await issuer()).toBe('ca')
  const other = issue(folder, stranger, 'other', '/CN=localhost', 'DNS:localhost')
  const client = await server.connect()
  copyFileSync(other.certificate, serverCertificate.certificate)
  await client.query('select pg_reload_conf()')
  await until('the mismatch is told', async () => server.log.includes('SSL configuration was not reloaded'))
  expect(await issuer()).toBe('ca')
  copyFileSync(other.key, serverCertificate.key)
  await client.query('select pg_reload_conf()')
  await until('the new certificate is there', async () => (await issuer()) === 'stranger')
})

test('--tls-self-signed makes a certificate that can be trusted by hand', async () => {
  const own = await ServerProcess.start({ args: ['--tls-self-signed'] })
  const directory = (await (await own.connect()).query('show data_directory')).rows[0].data_directory
  await own.endClients()
  const certificate = readFileSync(join(directory, 'server.crt'), 'utf8')
  const client = new pg.Client({
    host: 'localhost',
    port: own.port,
    user: 'postgres',
    ssl: { ca: certificate },
  })
  await client.connect()
  expect((await client.query(SESSION)).rows[0].ssl).toBe(true)
  await client.end()
  expect(await own.stop()).toBe(0)
})

test('a private key with a passphrase keeps the server from starting', async () => {
  const { privateKey: key } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' },
  })
  const file = join(folder, 'encrypted.key')
  writeFileSync(file, key, { mode: 0o600 })
  await expect(
    ServerProcess.start({ args: ['--tls-cert', alice.certificate, '--tls-key', file] }),
  ).rejects.toThrow(/private key file ".*encrypted.key" needs a passphrase/)
})

test('a certificate that cannot be read keeps the server from starting', async () => {
  await expect(
    ServerProcess.start({ args: ['--tls-cert', join(folder, 'nothing'), '--tls-key', alice.key] }),
  ).rejects.toThrow(/could not load server certificate file ".*nothing": ENOENT/)
})
