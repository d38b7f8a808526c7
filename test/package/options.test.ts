/** Options are checked before anything is done: an error names the one that is wrong. */
import pg from 'pg'
import { type StartServerOptions, StartupError, startServer } from 'pglite-imports-server'
import { expect, test } from 'vitest'

test.each<[string, unknown, RegExp]>([
  ['an unknown option', { prot: 1 }, /^there is no option "prot"; the options are dataDir, /],
  ['an unknown option of an option', { http: { port: 0, prot: 1 } }, /^there is no option "http.prot"/],
  ['a wrong type', { dataDir: 7 }, /^option "dataDir" must be a string, not 7$/],
  ['an empty name', { dataDir: '' }, /^option "dataDir" must be a string that is not empty, not ""$/],
  [
    'a number out of range',
    { port: 65536 },
    /^option "port" must be a whole number from 0 to 65535, not 65536$/,
  ],
  ['a broken number', { port: 1.5 }, /^option "port" must be a whole number from 0 to 65535, not 1.5$/],
  ['a number as text', { port: '5432' }, /^option "port" must be .*, not "5432"$/],
  [
    'no number',
    { maxConnections: Number.NaN },
    /^option "maxConnections" must be a whole number from 1 to \d+, not NaN$/,
  ],
  ['a bigint', { port: 5432n }, /^option "port" must be .*, not 5432$/],
  ['null', { user: null }, /^option "user" must be a string, not null$/],
  ['a value in an array', { allowDirs: ['/tmp', 1] }, /^option "allowDirs.1" must be a string, not 1$/],
  [
    'a value of a setting',
    { settings: { work_mem: {} } },
    /^option "settings.work_mem" must be .*, not an object$/,
  ],
  ['one of several', { log: 'stdout' }, /^option "log" must be 'stderr', false or a function, not "stdout"$/],
  [
    'an incomplete option',
    { tls: { cert: 'c' } },
    /^option "tls" must be 'self-signed' or an object with cert, key/,
  ],
  ['a password, without telling it', { password: 12345 }, /^option "password" must be a string$/],
  ['no options at all', 'data', /^what startServer\(\) is called with must be an object, not "data"$/],
])('%s', async (_, options, message) => {
  const failure = await startServer(options as StartServerOptions).then(
    server => server.stop(),
    error => error,
  )
  expect(failure).toBeInstanceOf(StartupError)
  expect(failure.message).toMatch(message)
})

test('an option that is undefined counts as not given', async () => {
  const server = await startServer({
    host: '',
    port: undefined,
    settings: { work_mem: '7MB' },
    init: undefined,
  })
  try {
    // Drivers take no host for this machine, where another server may listen.
    expect(server.url).toMatch(/^postgres:\/\/postgres@no-network\.invalid:\d+\/postgres$/)
    await expect(new pg.Client(server.url).connect()).rejects.toThrow(/no-network\.invalid/)
    const client = new pg.Client({ stream: () => server.connect(), user: 'postgres' })
    await client.connect()
    expect((await client.query('show work_mem')).rows).toEqual([{ work_mem: '7MB' }])
    await client.end()
  } finally {
    await server.stop()
  }
})
