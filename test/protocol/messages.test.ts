/**
 * How messages are told apart in a stream of bytes, wherever it is cut. What drivers send is made by pg-protocol, which
 * node-postgres uses.
 */
import { serialize } from 'pg-protocol'
import { describe, expect, test } from 'vitest'
import { BackendMessages } from '../../wasm/protocol/backend-messages.js'
import { concatenated, uint32 } from '../../wasm/protocol/bytes.js'
import { fatalError, firstMessage } from '../../wasm/protocol/first-message.js'
import { Framing } from '../../wasm/protocol/framing.js'
import { FrontendStream } from '../../wasm/protocol/frontend-stream.js'
import {
  GSSENC_REQUEST,
  type Header,
  headerOf,
  message,
  PROTOCOL_3_0,
  SSL_REQUEST,
  startupMessage,
} from '../../wasm/protocol/messages.js'
import { StatementCounter } from '../../wasm/protocol/statement-count.js'
import { Random } from '../fixtures/random.js'

const SEED = Number(process.env.PROTOCOL_SEED ?? Date.now() % 1_000_000)

const startup = serialize.startup({ user: 'somebody', database: 'postgres' })
const gssRequest = message('', uint32(GSSENC_REQUEST))

/** A connection from its beginning, as the messages that it consists of. */
const CONVERSATION: readonly Uint8Array[] = [
  gssRequest,
  serialize.requestSsl(),
  startup,
  serialize.password('secret'),
  serialize.query('select 1'),
  serialize.parse({ text: 'select $1' }),
  serialize.bind({ values: ['one'] }),
  serialize.describe({ type: 'P' }),
  serialize.execute(),
  serialize.sync(),
  serialize.copyData(Buffer.from('QQQQQ')),
  serialize.copyDone(),
  serialize.end(),
]
/** Query and Execute. */
const STATEMENTS = 2

/** All ways to cut these bytes in two, neither of them empty. */
function* cuts(bytes: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)]
}

const lengths = (messages: readonly Uint8Array[]) => messages.map(({ length }) => length)

/** Where messages end, in bytes from the beginning. */
const ends = (messages: readonly Uint8Array[]) => {
  let end = 0
  return messages.map(({ length }) => {
    end += length
    return end
  })
}

describe('a header', () => {
  test('tells type and length once all five bytes are there', () => {
    const query = serialize.query('select 1')
    for (let length = 0; length < 5; length++)
      expect(headerOf(query.subarray(0, length), true)).toBeUndefined()
    for (let length = 5; length <= query.length; length++)
      expect(headerOf(query.subarray(0, length), true)).toEqual({ type: 'Q', length: query.length })
  })

  test('without a type tells length and code once all eight bytes are there', () => {
    for (let length = 0; length < 8; length++)
      expect(headerOf(startup.subarray(0, length), false)).toBeUndefined()
    for (let length = 8; length <= startup.length; length++)
      expect(headerOf(startup.subarray(0, length), false)).toEqual({
        type: '',
        length: startup.length,
        code: PROTOCOL_3_0,
      })
  })

  test.each([0, 3])('with the impossible length %i counts as the whole message', length => {
    expect(headerOf(message('Q').fill(length, 4), true)).toEqual({ type: 'Q', length: 5 })
  })

  test.each([0, 7, 10_005, 0xffffffff])(
    'without a type, and with the impossible length %i, does so as well',
    length => {
      expect(headerOf(concatenated([uint32(length), uint32(PROTOCOL_3_0)]), false)).toEqual({
        type: '',
        length: 4,
      })
    },
  )

  test('is found where it lies in a larger buffer', () => {
    const query = serialize.query('select 1')
    const larger = Buffer.concat([Buffer.from('before'), query, Buffer.from('behind')])
    expect(headerOf(larger.subarray(6), true)).toEqual({ type: 'Q', length: query.length })
  })
})

test('messages are made as drivers make them', () => {
  const parameters = { user: 'somebody', database: 'postgres' }
  expect(Buffer.from(startupMessage({ ...parameters, client_encoding: 'UTF8' }))).toEqual(
    serialize.startup(parameters),
  )
  expect(Buffer.from(message('', uint32(SSL_REQUEST)))).toEqual(serialize.requestSsl())
  expect(Buffer.from(message('Q', 'sélect 1', '\0'))).toEqual(serialize.query('sélect 1'))
  expect(Buffer.from(message('X'))).toEqual(serialize.end())
})

describe('what a frontend sends', () => {
  const all = concatenated(CONVERSATION)

  test('is followed from header to header, wherever it is cut', () => {
    for (const pieces of [...cuts(all), [...all].map(byte => Uint8Array.of(byte))]) {
      const headers: Header[] = []
      const stream = new FrontendStream(header => headers.push(header))
      const wholes = pieces.map(piece => stream.follow(piece))
      expect(headers.map(({ length }) => length)).toEqual(lengths(CONVERSATION))
      expect(headers.map(({ type }) => type).join('')).toBe('pQPBDESdcX')
      expect(wholes.at(-1)).toBe(pieces.at(-1)!.length)
    }
  })

  test('is cut into whole messages, and no byte is lost', () => {
    for (const pieces of [...cuts(all), [...all].map(byte => Uint8Array.of(byte))]) {
      const framing = new Framing()
      const whole: Uint8Array[] = []
      for (const piece of pieces) {
        const messages = framing.add(piece)
        if (messages === undefined) continue
        whole.push(messages)
        expect(ends(CONVERSATION)).toContain(concatenated(whole).length)
      }
      expect(Buffer.concat(whole)).toEqual(Buffer.from(all))
      expect(framing.rest()).toHaveLength(0)
    }
  })

  test('is taken for a session that has begun if its first byte is not zero', () => {
    const framing = new Framing()
    const query = serialize.query('select 1')
    expect(framing.add(query.subarray(0, 7))).toBeUndefined()
    expect(Buffer.from(framing.rest())).toEqual(query.subarray(0, 7))
    expect(Buffer.from(framing.add(query.subarray(7))!)).toEqual(query)
  })

  test('has the same number of statements, wherever it is cut', () => {
    for (const pieces of cuts(all)) {
      const count = { statements: 0 }
      const counter = new StatementCounter(() => count.statements++)
      for (const piece of pieces) counter.add(piece)
      expect(count.statements).toBe(STATEMENTS)
    }
  })

  test('begins again inside TLS', () => {
    const count = { statements: 0 }
    const counter = new StatementCounter(() => count.statements++)
    counter.add(serialize.requestSsl())
    counter.restart()
    for (const piece of [startup, serialize.query('select 1')]) counter.add(piece)
    expect(count.statements).toBe(1)
  })
})

describe('a first message', () => {
  test.each([
    ['encryption', serialize.requestSsl()],
    ['encryption', gssRequest],
    ['startup', startup],
    ['startup', startupMessage({ user: 'somebody' }, 0x30002)],
    ['cancel', serialize.cancel(1, 2)],
  ])('is one of %s once it is complete', (kind, bytes) => {
    for (let length = 0; length < bytes.length; length++)
      expect(firstMessage(bytes.subarray(0, length))).toBeUndefined()
    for (const behind of [[], [0x51, 0, 0, 0, 6]])
      expect(firstMessage(Uint8Array.from([...bytes, ...behind]))).toEqual({ kind, length: bytes.length })
  })

  test.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['one of a later protocol', startupMessage({ user: 'somebody' }, 0x40000)],
    ['one that is too short to say what it is', uint32(7)],
  ])('is another: %s', (_, bytes) => {
    expect(firstMessage(bytes)).toEqual({ kind: 'other', length: bytes.length })
  })
})

test("a backend's messages are read one after the other, wherever they are cut", async () => {
  const said = [message('R', uint32(0)), fatalError('28000', 'no'), message('Z', 'I')]
  for (const pieces of cuts(concatenated(said))) {
    const backend = { getOutput: () => pieces.splice(0, 1), onOutput() {}, onClose() {} }
    const messages = new BackendMessages(backend)
    const heard: Uint8Array[] = []
    const listening = (async () => {
      for (let next = await messages.next(); next !== undefined; next = await messages.next())
        heard.push(next.bytes)
    })()
    while (pieces.length > 0) {
      await new Promise(resolve => setImmediate(resolve))
      backend.onOutput()
    }
    await new Promise(resolve => setImmediate(resolve))
    backend.onClose()
    await listening
    expect(heard.map(bytes => Buffer.from(bytes))).toEqual(said.map(bytes => Buffer.from(bytes)))
  }
})

test(`whatever comes in whatever pieces is passed on, by seed ${SEED}`, () => {
  const random = new Random(SEED)
  for (let round = 0; round < 3000; round++) {
    const count = random.below(12)
    const messages = [startup, ...Array.from({ length: count }, () => random.one(CONVERSATION.slice(3)))]
    const bytes = Buffer.concat(messages)
    // Half of them are garbage from somewhere on, which no byte may be lost of either.
    const valid = random.chance(0.5)
    if (!valid) bytes.fill(random.bytes(random.below(20) + 1), random.below(bytes.length))
    const framing = new Framing()
    const counted = { statements: 0 }
    const counter = new StatementCounter(() => counted.statements++)
    const passed: Uint8Array[] = []
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + 1 + random.below(random.one([2, 10, 100])))
      const whole = framing.add(piece)
      if (whole !== undefined) passed.push(whole)
      counter.add(piece)
      at += piece.length
    }
    if (valid) {
      expect(framing.rest()).toHaveLength(0)
      expect(counted.statements).toBe(messages.filter(({ 0: type }) => type === 0x51 || type === 0x45).length)
    }
    expect(Buffer.concat([...passed, framing.rest()]).equals(bytes)).toBe(true)
  }
})
