/** The rules in pg_hba.conf and pg_ident.conf: whom they let in, and what is said of those that are wrong. */
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { networkInterfaces, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../../dist/server/index.js'
import { Command } from '../fixtures/command.js'
import { ServerProcess, useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const folder = mkdtempSync(join(tmpdir(), 'rules-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** An address of this machine that is not a loopback one. */
const address = Object.values(networkInterfaces())
  .flatMap(list => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

const RULES = `
host all same_host samehost trust
host all same_net samenet trust
host all by_name 127.0.0.1/32 ident map=known
local all postgres peer map=known
local all all peer
host all postgres 127.0.0.1/32 trust
host all all all reject
`
const MAPS = `
known ${userInfo().username} postgres
known alice by_name
`

describe('by its rules a server', () => {
  const socketDir = mkdtempSync(join(folder, 'sockets-'))
  const server = useServer({
    args: [
      ...['-h', '*', '--insecure-listen', '-k', socketDir],
      ...['-c', `hba_file=${file('pg_hba.conf', RULES)}`, '-c', `ident_file=${file('pg_ident.conf', MAPS)}`],
    ],
  })
  const ROLES = ['same_host', 'same_net', 'by_name', 'somebody', userInfo().username]
  beforeAll(async () => {
    const client = await server.connect()
    for (const role of ROLES) await client.query(`create role "${role}" login`)
  })
  const userOf = async (config: pg.ClientConfig) => {
    const client = await server.connect(config)
    return (await client.query('select session_user, system_user')).rows[0]
  }

  test('knows the addresses and the networks of its machine', async () => {
    for (const host of ['127.0.0.1', '::1', ...(address === undefined ? [] : [address])])
      for (const user of ['same_host', 'same_net'])
        expect(await userOf({ host, user })).toMatchObject({ session_user: user })
    await expect(userOf({ user: 'somebody' })).rejects.toThrow('rejects connection for host "127.0.0.1"')
  })

  test('knows who is at a unix socket that only one user can open', async () => {
    const path = join(socketDir, `.s.PGSQL.${server.port}`)
    const { username } = userInfo()
    const peer = { host: socketDir }
    expect(await userOf({ ...peer, user: 'postgres' })).toEqual({
      session_user: 'postgres',
      system_user: `peer:${username}`,
    })
    expect(await userOf({ ...peer, user: username })).toMatchObject({ session_user: username })
    await expect(userOf({ ...peer, user: 'somebody' })).rejects.toThrow('Peer authentication failed')
    chmodSync(socketDir, 0o755)
    chmodSync(path, 0o777)
    await expect(userOf({ ...peer, user: username })).rejects.toThrow('Peer authentication failed')
    await until('the log says so', () => server.log.includes('peer authentication is not supported'))
    chmodSync(path, 0o700)
    expect(await userOf({ ...peer, user: username })).toMatchObject({ session_user: username })
  })

  test('asks the ident server of the machine that a client comes from', async context => {
    let asked = ''
    const ident = createServer(socket =>
      socket.on('data', question => {
        asked = question.toString()
        socket.end(`${asked.trim()} : USERID : UNIX : alice\r\n`)
      }),
    )
    if (!(await listens(ident, 113))) return context.skip()
    try {
      expect(await userOf({ user: 'by_name' })).toEqual({
        session_user: 'by_name',
        system_user: 'ident:alice',
      })
      expect(asked).toMatch(new RegExp(`^\\d+,${server.port}\r\n$`))
    } finally {
      ident.close()
    }
    await expect(userOf({ user: 'by_name' })).rejects.toThrow('Ident authentication failed')
    await until('the log says why', () => /could not connect to Ident server .*refused/.test(server.log))
  })
})

/** Whether this process may listen there. */
function listens(server: Server, port: number): Promise<boolean> {
  return new Promise(resolve => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
}

describe('what is wrong in a file is told with file, line and reason, and without -v', () => {
  const dataDir = join(folder, 'data')
  beforeAll(async () => {
    await (await startServer({ dataDir, port: 0 })).stop()
  })
  const failure = async (...args: string[]) => {
    const server = new Command('-D', dataDir, '-p', '0', ...args)
    expect(await server.closed).toBe(1)
    return server.stderr
  }

  const NOT_THERE = 'not supported by this build'
  test.for([
    ['ldap ldapserver=ldap.example.com', `invalid authentication method "ldap": ${NOT_THERE}`],
    [
      'radius radiusservers=10.0.0.1 radiussecrets=secret',
      `invalid authentication method "radius": ${NOT_THERE}`,
    ],
    ['pam', `invalid authentication method "pam": ${NOT_THERE}`],
    ['gss', `invalid authentication method "gss": ${NOT_THERE}`],
    ['sspi', `invalid authentication method "sspi": ${NOT_THERE}`],
    ['bsd', `invalid authentication method "bsd": ${NOT_THERE}`],
    ['oauth issuer=https://example.com scope=openid', 'oauth_validator_libraries must be set'],
    ['magic', 'invalid authentication method "magic"'],
  ])('a rule with %s', async ([method, reason]) => {
    const rules = file('wrong.conf', `local all all trust\n\nhost all all 10.0.0.0/8 ${method}\n`)
    const told = await failure('-c', `hba_file=${rules}`)
    expect(told.split('\n')[0]).toContain(`could not load ${rules}: ${reason}`)
    expect(told.split('\n')[0]).toMatch(new RegExp(` in file "${rules}" line 3$`))
  })

  test.for([
    ['work_mem = much', 'invalid value for parameter "work_mem": "much"'],
    ['work_memory = 4MB', 'unrecognized configuration parameter "work_memory"'],
    ['wal_level = 3 4', 'syntax error'],
    [
      "synchronous_standby_names = 'FIRST'",
      'invalid value for parameter "synchronous_standby_names": "FIRST"',
    ],
  ])('a setting as %s', async ([setting, reason]) => {
    const settings = join(folder, 'included.conf')
    writeFileSync(settings, `# mine\n${setting}\n`)
    const main = file('main.conf', `include '${settings}'\nhba_file = '${join(dataDir, 'pg_hba.conf')}'\n`)
    const [told] = (await failure('-c', `config_file=${main}`)).split('\n')
    expect(told).toContain(reason)
    expect(told).toContain(`in file "${settings}" line 2`)
  })

  test('a map, with which the server starts nevertheless', async () => {
    const maps = file('maps.conf', 'known alice\n')
    const server = await ServerProcess.start({ args: ['-D', dataDir, '-c', `ident_file=${maps}`] })
    expect(await server.stop()).toBe(0)
    expect(server.log).toContain('missing entry at end of line')
    expect(server.log).toContain(`line 1 of configuration file "${maps}"`)
  })

  test('whatever is wrong when a server reads the files again', async () => {
    mkdirSync(join(folder, 'again'))
    const [rules, maps] = [file('again/hba.conf', 'host all all all trust\n'), file('again/ident.conf', '')]
    const server = await ServerProcess.start({
      args: ['-D', dataDir, '-c', `hba_file=${rules}`, '-c', `ident_file=${maps}`],
    })
    try {
      const client = await server.connect()
      appendFileSync(rules, 'host all all all ldap\n')
      appendFileSync(maps, 'known alice\n')
      appendFileSync(join(dataDir, 'postgresql.conf'), '\nwork_mem = much # not a number')
      await client.query('select pg_reload_conf()')
      await until('the log says it', () => server.log.includes('was not reloaded'))
      for (const told of [
        /invalid value for parameter "work_mem": "much"\n.*CONTEXT: {2}line \d+ of configuration file ".*postgresql.conf"/,
        /"ldap": not supported by this build\n.*CONTEXT: {2}line 2 of configuration file ".*hba.conf"/,
        /missing entry at end of line\n.*CONTEXT: {2}line 1 of configuration file ".*ident.conf"/,
      ])
        await until(String(told), () => told.test(server.log))
    } finally {
      await server.endClients()
      await server.stop()
    }
  })
})
