/** Conversations by a grammar with mistakes, from a seed: ABUSE_SEED=… for the same again, ABUSE_SECONDS=… for how long. */
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { type Conversation, conversation } from '../fixtures/grammar.js'
import { Random } from '../fixtures/random.js'
import { useServer } from '../fixtures/server.js'
import { amount, Witness } from '../fixtures/witness.js'

const SEED = Number(process.env.ABUSE_SEED ?? Date.now() % 1_000_000)
const SECONDS = Number(process.env.ABUSE_SECONDS ?? amount(20, 600))

/** Conversations at a time, and how many until the witness is asked. */
const AT_ONCE = 8
const ROUND = 40

/** Milliseconds after which a client gives up waiting for an answer. */
const PATIENCE = 2000

const server = useServer({ args: ['-c', 'authentication_timeout=2s', '-c', 'log_min_messages=fatal'] })

/** Backend messages: PostgreSQL documentation, "Message Formats". */
const KNOWN = 'RSKZEvNTDCIGHWdcsntA123V'

/** Has a conversation, and resolves with all that the server has sent when either side closes the connection. */
function have({ pieces, end }: Conversation): Promise<Buffer> {
  return new Promise(resolve => {
    const said: Buffer[] = []
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    const patience = setTimeout(() => socket.destroy(), PATIENCE)
    socket.on('error', () => {})
    socket.on('data', bytes => said.push(bytes))
    socket.on('end', () => socket.destroy())
    socket.on('close', () => {
      clearTimeout(patience)
      resolve(Buffer.concat(said))
    })
    socket.on('connect', async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return
        socket.write(piece)
        await new Promise(next => setImmediate(next))
      }
      if (end === 'half-close') socket.end()
      if (end === 'reset') socket.resetAndDestroy()
    })
  })
}

/** Whether this is nothing but messages, the last of which may be incomplete; before them may be answers to requests. */
function isProtocol(bytes: Buffer): boolean {
  let at = 0
  while (bytes[at] === 'N'.charCodeAt(0) && bytes[at + 1] !== 0) at++
  while (at < bytes.length) {
    if (!KNOWN.includes(String.fromCharCode(bytes[at]!))) return false
    if (at + 5 > bytes.length) return true
    const length = bytes.readInt32BE(at + 1)
    if (length < 4) return false
    at += 1 + length
  }
  return true
}

test(`what clients say in ${SECONDS} seconds, by seed ${SEED}, harms no session and is answered by messages`, async () => {
  const witness = await Witness.of(server)
  const began = performance.now()
  let number = 0
  let memory = 0
  while (performance.now() - began < SECONDS * 1000) {
    const one = async () => {
      for (let i = 0; i < ROUND / AT_ONCE; i++) {
        const seed = SEED + number++
        const said = await have(conversation(new Random(seed)))
        expect(
          isProtocol(said),
          `what the server says to ABUSE_SEED=${seed}: ${said.toString('latin1')}`,
        ).toBe(true)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, one))
    await witness.isServed()
    if (memory === 0 && performance.now() - began > SECONDS * 500) memory = witness.memory()
  }
  await witness.check()
  console.log(`${number} conversations`)
  expect(witness.memory() - memory).toBeLessThan(200)
})
