/** Tests set what the time is in their databases. */
import pg from 'pg'
import { type Lease, leaser, setNow, setUpDatabases } from 'pglite-imports-server/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const DAY = 24 * 3600 * 1000

async function nowOf(client: pg.Client): Promise<Date> {
  const { rows } = await client.query<{ now: Date }>('select now()')
  return rows[0]!.now
}

async function nowOfNewSession({ database }: Lease): Promise<Date> {
  const client = new pg.Client(database.url)
  await client.connect()
  const now = await nowOf(client)
  await client.end()
  return now
}

const distance = (now: Date) => now.getTime() - Date.now()

describe.each(['database', 'transaction'] as const)('with a %s for each test', isolation => {
  const lease = leaser(async () => {})
  let tearDown: () => Promise<void>
  beforeAll(async () => {
    tearDown = await setUpDatabases({ isolation, size: 2 })
  })
  afterAll(() => tearDown())

  test('setNow() sets the time of its client, and the next test has its own', async () => {
    const at = new Date('2030-01-01T12:00:00.250Z')
    const first = await lease()
    await first.database.setNow(at)
    expect(await nowOf(first.database.client)).toEqual(at)
    await first.database.setNow('+30 days')
    expect(Math.abs(distance(await nowOf(first.database.client)) - 30 * DAY)).toBeLessThan(5000)
    await expect(first.database.setNow('soon')).rejects.toThrow('invalid value for parameter')
    await first.end(false)
    const second = await lease()
    expect(Math.abs(distance(await nowOf(second.database.client)))).toBeLessThan(60_000)
    await second.end(false)
  })
})

describe('in a database for a test', () => {
  const lease = leaser(() => setUpDatabases({ size: 2 }).then(end => ends.push(end)))
  const ends: (() => Promise<void>)[] = []
  afterAll(() => Promise.all(ends.map(end => end())))

  test('setNow() sets the time of the sessions that begin later, until it is reset', async () => {
    await using mine = await lease()
    await using another = await lease()
    const at = new Date('2030-01-01T12:00:00Z')
    await mine.database.setNow(at)
    expect(await nowOfNewSession(mine)).toEqual(at)
    expect(Math.abs(distance(await nowOfNewSession(another)))).toBeLessThan(5000)
    await mine.database.setNow(undefined)
    for (const now of [await nowOfNewSession(mine), await nowOf(mine.database.client)])
      expect(Math.abs(distance(now))).toBeLessThan(5000)
  })

  test('setNow(client) sets that of one session', async () => {
    await using mine = await lease()
    const client = new pg.Client(mine.database.url)
    await client.connect()
    expect(await setNow(client, '2030-01-01 13:00+01')).toBe('2030-01-01 12:00:00+00')
    expect(await nowOf(client)).toEqual(new Date('2030-01-01T12:00:00Z'))
    expect(Math.abs(distance(await nowOfNewSession(mine)))).toBeLessThan(5000)
    await client.end()
  })
})
