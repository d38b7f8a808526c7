/** The server prepares passwords as PostgreSQL does, so that a user who types one in another Unicode form can log in. */
import { expect, test } from 'vitest'
import { saslprep } from '../../dist/wasm/protocol/saslprep.js'
import { keysOf, parseVerifier, verifier } from '../../dist/wasm/protocol/scram.js'
import { machinePsql, run } from '../fixtures/native-programs.js'
import { Random } from '../fixtures/random.js'
import { useServer } from '../fixtures/server.js'

/** Whether this is the verifier of that password. */
async function verifies(text: string, password: string): Promise<boolean> {
  const parsed = parseVerifier(text)
  return parsed !== undefined && (await keysOf(password, parsed)) !== undefined
}

const server = useServer({ env: { POSTGRES_PASSWORD: 'pa\u00adss' } })

test.each([
  ['what cannot be seen is left out', 'pa\u00adss', 'pass'],
  ['spaces are one and the same', 'a\u00a0b', 'a b'],
  ['letters are put together', 'pe\u0301', 'p\u00e9'],
  ['letters are what they stand for', '\u2168', 'IX'],
  ['nothing may be left out of nothing', '\u00ad', '\u00ad'],
  ['what is unknown stays', 'x\u0221\u2168', 'x\u0221\u2168'],
  ['directions must not be mixed', '\u0627\u2168', '\u0627\u2168'],
  ['ASCII stays', ' ~\u0007', ' ~\u0007'],
])('%s', (_, password, prepared) => {
  expect(saslprep(password)).toBe(prepared)
})

test('a client can log in by libpq with the password that the server got, however the user types it', async () => {
  for (const PGPASSWORD of ['pa\u00adss', 'pass', 'p\u00adass\u00ad']) {
    const address = { PGHOST: '127.0.0.1', PGPORT: String(server.port), PGUSER: 'postgres' }
    const { code, stderr } = await run(machinePsql, ['-Xc', 'select 1'], { ...address, PGPASSWORD })
    expect([code, stderr]).toEqual([0, ''])
  }
})

test('PostgreSQL prepares random passwords in the same way', async () => {
  const random = new Random(1805)
  // Around the ends of ranges, and one of all that there is.
  const starts = [0x20, 0x61, 0xa0, 0xad, 0x221, 0x300, 0x5d0, 0x627, 0x1806, 0x2000, 0x2060, 0x2160, 0x3040]
  const more = [0xac00, 0xe000, 0xfb1d, 0xfdfa, 0xfe00, 0xfeff, 0xfff9, 0x1d165, 0x20000, 0xe0020]
  const point = () =>
    random.chance(0.9) ? random.one([...starts, ...more]) + random.below(24) : 1 + random.below(0xd7ff)
  const client = await server.connect({ password: 'pass' })
  await client.query('set scram_iterations = 1')
  await client.query('create role prepared')
  for (let i = 0; i < 500; i++) {
    const password = String.fromCodePoint(...Array.from({ length: 1 + random.below(5) }, point))
    await client.query(`alter role prepared password ${client.escapeLiteral(password)}`)
    const { rows } = await client.query("select rolpassword from pg_authid where rolname = 'prepared'")
    expect([password, await verifies(rows[0].rolpassword, password)]).toEqual([password, true])
  }
})

test('a verifier is of the prepared password', async () => {
  expect(await verifies(await verifier('pa\u00adss'), 'pass')).toBe(true)
  expect(await verifies(await verifier('pa\u00adss'), 'pa ss')).toBe(false)
})
