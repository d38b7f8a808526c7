/** A connection on which a test says exactly what it wants, byte by byte, and sees every message that comes back. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Message {
  type: string
  body: Buffer
}

export const PROTOCOL_3_0 = 0x30000
export const PROTOCOL_3_2 = 0x30002
export const SSL_REQUEST = 80877103
export const GSSENC_REQUEST = 80877104
export const CANCEL_REQUEST = 80877102

export class RawConnection {
  readonly socket: Socket
  #received = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => {}

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new RawConnection(socket)
  }

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', bytes => {
      this.#received = Buffer.concat([this.#received, bytes])
      this.#wake()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#ended = true
      this.#wake()
    })
  }

  send(...parts: Buffer[]): void {
    this.socket.write(Buffer.concat(parts))
  }

  /** The next `length` bytes, or undefined when the server closes before. */
  async bytes(length: number): Promise<Buffer | undefined> {
    while (this.#received.length < length) {
      if (this.#ended) return undefined
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    const taken = this.#received.subarray(0, length)
    this.#received = this.#received.subarray(length)
    return taken
  }

  /** The next message, or undefined when the server has closed. */
  async message(): Promise<Message | undefined> {
    const head = await this.bytes(5)
    if (head === undefined) return undefined
    const body = (await this.bytes(head.readInt32BE(1) - 4)) ?? Buffer.alloc(0)
    return { type: head.toString('latin1', 0, 1), body }
  }

  /** The messages up to and including the first of a type, or up to the end of the connection. */
  async messagesUntil(type: string): Promise<Message[]> {
    const messages: Message[] = []
    for (let next = await this.message(); next !== undefined; next = await this.message()) {
      messages.push(next)
      if (next.type === type) break
    }
    return messages
  }

  close(): void {
    this.socket.destroy()
  }
}

/** A message without a type, as the first one is: its length, a code, and what follows. */
export function firstMessage(code: number, rest = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(8 + rest.length, 0)
  head.writeInt32BE(code, 4)
  return Buffer.concat([head, rest])
}

export function startupMessage(version: number, parameters: Record<string, string>): Buffer {
  const text = Object.entries(parameters).flat()
  return firstMessage(version, Buffer.from([...text, '', ''].join('\0')))
}

export function message(type: string, body: Buffer | string = ''): Buffer {
  const content = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(4 + content.length, 1)
  return Buffer.concat([head, content])
}

export function query(text: string): Buffer {
  return message('Q', `${text}\0`)
}

/** The fields of an ErrorResponse or NoticeResponse by their one-letter names. */
export function fieldsOf({ body }: Message): Record<string, string> {
  const fields = body.toString().split('\0').filter(Boolean)
  return Object.fromEntries(fields.map(field => [field[0]!, field.slice(1)]))
}

/** The columns of a DataRow as text. */
export function columnsOf({ body }: Message): (string | null)[] {
  const columns: (string | null)[] = []
  let at = 2
  for (let left = body.readInt16BE(0); left > 0; left--) {
    const length = body.readInt32BE(at)
    columns.push(length < 0 ? null : body.toString('utf8', at + 4, at + 4 + length))
    at += 4 + Math.max(0, length)
  }
  return columns
}
