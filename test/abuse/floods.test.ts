/** Clients that come at once, and clients that come after hundreds have come and gone, are served about as soon as by native PostgreSQL. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { firstMessage, PROTOCOL_3_0, SSL_REQUEST, startupMessage } from '../fixtures/raw-connection.js'
import {
  type Certificates,
  makeCertificates,
  startNativeTls,
  startOwnTls,
  type TlsServer,
} from '../fixtures/tls-servers.js'

const FLOOD = 400
const AT_ONCE = 20
const ROUNDS = 5

/** Milliseconds in which a client is served after a flood. */
const SOON = 300

/** How many times as long as native PostgreSQL the server may take. */
const TIMES = 2

/** Bursts of clients until the engine has compiled what a connection needs. */
const WARM_UP = 20

let certificates: Certificates
let servers: { ours: TlsServer; native: TlsServer }
beforeAll(async () => {
  certificates = makeCertificates()
  servers = { ours: await startOwnTls(certificates), native: await startNativeTls(certificates) }
}, 120_000)
afterAll(async () => {
  for (const server of Object.values(servers ?? {})) await server.stop()
  certificates?.remove()
})

interface Way {
  readonly name: string
  readonly config: pg.ClientConfig
  /** What those that go say first, over TLS or without. */
  readonly tls: boolean
}

const WAYS: readonly Way[] = [
  { name: 'without a password', config: { user: 'postgres' }, tls: false },
  { name: 'with a SCRAM password', config: { user: 'scram', password: 'secret' }, tls: false },
  {
    name: 'with TLS and a SCRAM password',
    config: { user: 'scram', password: 'secret', ssl: { rejectUnauthorized: false } },
    tls: true,
  },
]

/** Milliseconds until a client has its first answer. */
async function served({ port }: TlsServer, config: pg.ClientConfig): Promise<number> {
  const began = performance.now()
  const client = new pg.Client({ host: '127.0.0.1', port, database: 'postgres', ...config })
  client.on('error', () => {})
  await client.connect()
  await client.query('select 1')
  const took = performance.now() - began
  await client.end()
  return took
}

/** Milliseconds until the last of some clients that come at once has its first answer. */
async function servedAtOnce(server: TlsServer, config: pg.ClientConfig): Promise<number> {
  return Math.max(...(await Promise.all(Array.from({ length: AT_ONCE }, () => served(server, config)))))
}

/** A client goes after it has asked for a session, over TLS in the middle of the handshake or behind it. */
async function comeAndGo({ port }: TlsServer, { tls, config }: Way, i: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  const startup = startupMessage(PROTOCOL_3_0, { user: config.user as string, database: 'postgres' })
  if (!tls) socket.write(startup)
  else {
    socket.write(firstMessage(SSL_REQUEST))
    if (i % 2 === 0) {
      await Promise.race([once(socket, 'data'), once(socket, 'close')])
      const secure = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ['postgresql'] })
      secure.on('error', () => {})
      if (i % 4 === 0) await Promise.race([once(secure, 'secureConnect'), once(secure, 'close')])
      secure.write(startup)
    }
  }
  if (i % 3 === 0) socket.resetAndDestroy()
  else socket.destroy()
}

/** How long a client waits for its first answer after a flood, and since that has begun. */
async function afterFlood(server: TlsServer, way: Way): Promise<{ alone: number; together: number }> {
  let [alone, together] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    await Promise.all(Array.from({ length: FLOOD }, (_, i) => comeAndGo(server, way, i)))
    alone = Math.min(alone, await served(server, way.config))
    together = Math.min(together, performance.now() - began)
  }
  return { alone, together }
}

/** The least of some rounds, in which the two come in turns: what else the machine does then burdens both. */
async function least(
  measure: (server: TlsServer) => Promise<number>,
): Promise<{ here: number; there: number }> {
  let [here, there] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < ROUNDS; round++) {
    there = Math.min(there, await measure(servers.native))
    here = Math.min(here, await measure(servers.ours))
  }
  return { here, there }
}

describe.each(WAYS)('$name', way => {
  test(`${AT_ONCE} clients that come at once are served within ${TIMES} times of what native PostgreSQL needs`, async () => {
    for (let burst = 0; burst < WARM_UP; burst++) await servedAtOnce(servers.ours, way.config)
    const { here, there } = await least(server => servedAtOnce(server, way.config))
    console.log(`${way.name}: ${AT_ONCE} at once ${here.toFixed(0)} ms, natively ${there.toFixed(0)} ms`)
    expect(here).toBeLessThan(TIMES * there)
  })

  test(`after ${FLOOD} clients have come and gone, the next one is served within ${SOON} ms, or on a busy machine as above`, async () => {
    const { ours, native } = servers
    const there = await afterFlood(native, way)
    const here = await afterFlood(ours, way)
    console.log(`${way.name}: after a flood`, here, 'natively', there)
    expect(here.alone < SOON || here.together < TIMES * there.together).toBe(true)
  })
})
