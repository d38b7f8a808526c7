/** Results and input far larger than the memory flow through in both directions, at the pace of the slower side. */
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { message, PROTOCOL_3_0, query, RawConnection, startupMessage } from '../fixtures/raw-connection.js'
import { useServer } from '../fixtures/server.js'
import { until } from '../fixtures/until.js'

const GIGABYTE = 1e9
const LIMIT = 400

/** Milliseconds for so many bytes, on a machine that does something else as well. */
const TIME = 240_000

const server = useServer()

async function startSession(name: string): Promise<RawConnection> {
  const connection = await RawConnection.open(server.port)
  connection.send(startupMessage(PROTOCOL_3_0, { user: 'postgres', application_name: name }))
  await connection.messagesUntil('Z')
  return connection
}

test(
  'a 2 GB result to a reader that stops again and again keeps the server below 400 MB',
  async () => {
    const { socket, send } = await reader('reads slowly')
    const watcher = await server.connect()
    let received = 0
    let stopAt = GIGABYTE / 8
    const complete = new Promise<void>((resolve, reject) => {
      socket.on('data', async (bytes: Buffer) => {
        received += bytes.length
        // ReadyForQuery ends what is sent.
        if (bytes.length >= 6 && bytes.readUInt8(bytes.length - 6) === 0x5a && received > 2 * GIGABYTE)
          resolve()
        if (received < stopAt || stopAt === 2 * GIGABYTE) return
        stopAt += GIGABYTE / 8
        socket.pause()
        await untilWriting(watcher, 'reads slowly').catch(reject)
        socket.resume()
      })
      socket.on('close', () => reject(new Error(`closed after ${received} bytes`)))
    })
    send(query("select repeat('x', 10000) from generate_series(1, 200000)"))
    await complete
    expect(received).toBeGreaterThan(2 * GIGABYTE)
    expect(server.peakMemory()).toBeLessThan(LIMIT)
    socket.destroy()
  },
  TIME,
)

test('what a client does not take at once comes unchanged, whatever its bytes are', async () => {
  const length = 30_000_000
  for (const letter of ['E', 'x']) {
    const { socket, send } = await reader('reads late')
    const watcher = await server.connect()
    const chunks: Buffer[] = []
    socket.pause()
    send(query(`select repeat('${letter}', ${length})`))
    await untilWriting(watcher, 'reads late')
    socket.on('data', (bytes: Buffer) => chunks.push(bytes))
    socket.resume()
    // The last message may be in two chunks.
    const end = () => Buffer.concat(chunks.slice(-2)).at(-6)
    await until('all has come', () => end() === 'Z'.charCodeAt(0))
    const received = Buffer.concat(chunks)
    const value = received.subarray(received.indexOf(letter.repeat(100)))
    expect(value.subarray(0, length).equals(Buffer.alloc(length, letter))).toBe(true)
    expect(value.at(length)).toBe('C'.charCodeAt(0))
    socket.destroy()
    await watcher.end()
  }
})

/** A session whose socket is read by the test itself. */
async function reader(name: string) {
  const { socket } = await startSession(name)
  socket.removeAllListeners('data')
  return { socket, send: (bytes: Buffer) => socket.write(bytes) }
}

/** Resolves when a backend waits for its client to take what it has written. */
async function untilWriting(watcher: Awaited<ReturnType<typeof server.connect>>, name: string) {
  await until('the backend waits for its client', async () => {
    const { rows } = await watcher.query(
      "select from pg_stat_activity where application_name = $1 and wait_event = 'ClientWrite'",
      [name],
    )
    return rows.length === 1
  })
}

test(
  'a 1 GB COPY FROM STDIN keeps the server below 400 MB',
  async () => {
    const connection = await startSession('copies in')
    connection.send(query('create table large (t text)'))
    await connection.messagesUntil('Z')
    connection.send(query('copy large from stdin'))
    await connection.messagesUntil('G')

    const row = `${'y'.repeat(999)}\n`
    const chunk = message('d', row.repeat(100))
    const chunks = GIGABYTE / (row.length * 100)
    for (let i = 0; i < chunks; i++) {
      if (!connection.socket.write(chunk)) await once(connection.socket, 'drain')
    }
    connection.send(message('c'))
    const answer = await connection.messagesUntil('Z')
    expect(answer[0]).toEqual({ type: 'C', body: Buffer.from('COPY 1000000\0') })
    expect(server.peakMemory()).toBeLessThan(LIMIT)

    const client = await server.connect()
    expect((await client.query('select count(*)::int as n, min(length(t)) as l from large')).rows).toEqual([
      { n: 1_000_000, l: 999 },
    ])
    connection.close()
  },
  TIME,
)
