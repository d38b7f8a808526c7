/**
 * Conversations as a client might have them with a server: by the grammar of PostgreSQL's documentation ("Message
 * Formats"), and then with mistakes in it. A conversation is what is written, in the pieces in which it is written.
 */
import {
  CANCEL_REQUEST,
  firstMessage,
  GSSENC_REQUEST,
  message,
  PROTOCOL_3_0,
  PROTOCOL_3_2,
  SSL_REQUEST,
  startupMessage,
} from '../raw-connection.js'
import type { Random } from './random.js'

export interface Conversation {
  readonly pieces: readonly Buffer[]
  /** How the client leaves: as one does, by closing its half, or by a reset. */
  readonly end: 'terminate' | 'half-close' | 'reset'
}

const SQL = [
  'select 1',
  'select 1; select 2; selec 3',
  'begin; select 1/0',
  "select repeat('x', 100000)",
  'select generate_series(1, 2000)',
  'copy (select 1) to stdout',
  'create temp table if not exists t (a int, b text); copy t from stdin',
  'select $1::int + $2::int',
  'listen a; notify a',
  'set client_encoding = latin1',
  'declare c cursor for select 1',
  "do $$ begin raise notice 'x'; end $$",
  'select pg_sleep(0.01)',
  'commit',
  '',
  "'",
]
const NAMES = ['', '', 'a', 's1', 'x'.repeat(70)]
const LENGTHS = [
  0,
  1,
  3,
  4,
  5,
  7,
  8,
  10_000,
  10_001,
  65_536,
  0x3fffffff,
  0x40000000,
  0x7fffffff,
  -1,
  -(2 ** 31),
]

const text = (value: string) => Buffer.from(`${value}\0`)
const int16 = (value: number) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Messages of a session, each by its name in the documentation. */
const MESSAGES: Readonly<Record<string, (random: Random) => Buffer>> = {
  Query: random => message('Q', text(random.one(SQL))),
  Parse: random =>
    message('P', Buffer.concat([text(random.one(NAMES)), text(random.one(SQL)), types(random)])),
  Bind: random =>
    message(
      'B',
      Buffer.concat([
        text(random.one(NAMES)),
        text(random.one(NAMES)),
        formats(random),
        values(random),
        formats(random),
      ]),
    ),
  Describe: random =>
    message('D', Buffer.concat([Buffer.from(random.one(['S', 'P', 'X'])), text(random.one(NAMES))])),
  Execute: random =>
    message('E', Buffer.concat([text(random.one(NAMES)), int32(random.one([0, 1, 100, -1]))])),
  Close: random =>
    message('C', Buffer.concat([Buffer.from(random.one(['S', 'P', 'X'])), text(random.one(NAMES))])),
  Flush: () => message('H'),
  Sync: () => message('S'),
  CopyData: random => message('d', random.chance(0.5) ? '1\tone\n' : random.bytes(random.below(300))),
  CopyDone: () => message('c'),
  CopyFail: () => message('f', text('changed my mind')),
  FunctionCall: random =>
    message(
      'F',
      Buffer.concat([
        int32(random.one([0, 1598, 89, -1])),
        formats(random),
        values(random),
        int16(random.below(3)),
      ]),
    ),
  PasswordMessage: random =>
    message('p', random.chance(0.5) ? text('secret') : random.bytes(random.below(100))),
  unknown: random => message(String.fromCharCode(random.below(256)), random.bytes(random.below(50))),
}

function types(random: Random): Buffer {
  const count = random.below(4)
  return Buffer.concat([
    int16(count),
    ...Array.from({ length: count }, () => int32(random.one([0, 23, 25, 999999]))),
  ])
}

function formats(random: Random): Buffer {
  const count = random.below(3)
  return Buffer.concat([int16(count), ...Array.from({ length: count }, () => int16(random.one([0, 1, 2])))])
}

function values(random: Random): Buffer {
  const count = random.one([0, 1, 2, 3, -1, 32767])
  const value = () => {
    const bytes = random.bytes(random.below(9))
    return random.chance(0.2) ? int32(random.one(LENGTHS)) : Buffer.concat([int32(bytes.length), bytes])
  }
  return Buffer.concat([int16(count), ...Array.from({ length: Math.max(0, Math.min(count, 4)) }, value)])
}

/** What comes before a session, or instead of it. */
function beginning(random: Random): Buffer[] {
  const requests = Array.from({ length: random.one([0, 0, 0, 1, 1, 2, 3]) }, () =>
    firstMessage(random.one([SSL_REQUEST, GSSENC_REQUEST])),
  )
  const first = random.below(20)
  if (first === 0)
    return [...requests, firstMessage(CANCEL_REQUEST, random.bytes(random.one([0, 8, 8, 36, 300])))]
  if (first === 1) return [...requests, random.bytes(random.below(200))]
  if (first === 2)
    return [...requests, Buffer.concat([int32(random.one(LENGTHS)), random.bytes(random.below(20))])]
  if (first === 3) return [Buffer.from('16030100c8010000c40303', 'hex'), random.bytes(random.below(200))]
  const version = random.one([PROTOCOL_3_0, PROTOCOL_3_0, PROTOCOL_3_0, PROTOCOL_3_2, 0x3ffff, 0x20000])
  const parameters = {
    user: random.one(['postgres', 'postgres', 'postgres', 'nobody', '']),
    database: random.one(['postgres', 'postgres', 'template1', 'none', '']),
    ...(random.chance(0.1)
      ? { [random.one(['_pq_.x', 'options', 'replication', 'no_such'])]: random.one(['-c', 'true', 'x']) }
      : {}),
  }
  return [...requests, startupMessage(version, parameters)]
}

const NAMES_OF_MESSAGES = Object.keys(MESSAGES)

export function conversation(random: Random): Conversation {
  const messages = beginning(random)
  for (let left = random.below(12); left > 0; left--)
    messages.push(MESSAGES[random.one(NAMES_OF_MESSAGES)]!(random))
  const end = random.one(['terminate', 'half-close', 'reset'] as const)
  if (end === 'terminate') messages.push(message('X'))
  const mistaken = random.chance(0.5) ? messages.map(bytes => mistake(random, bytes)) : messages
  return { pieces: split(random, Buffer.concat(mistaken)), end }
}

/** One in three is not what it should be. */
function mistake(random: Random, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes)
  switch (random.below(15)) {
    case 0: // a length that is not its own
      if (changed.length >= 5) changed.writeInt32BE(random.one(LENGTHS), 1)
      return changed
    case 1: // cut short
      return changed.subarray(0, random.below(changed.length + 1))
    case 2: // some other bytes
      for (let i = random.below(4); i >= 0 && changed.length > 0; i--)
        changed[random.below(changed.length)] = random.below(256)
      return changed
    case 3: // twice
      return Buffer.concat([changed, changed])
    case 4: // with something behind it
      return Buffer.concat([changed, random.bytes(random.below(30))])
    default:
      return changed
  }
}

function split(random: Random, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = random.chance(0.1) ? 1 + random.below(6) : bytes.length
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}
