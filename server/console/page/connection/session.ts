/** A session of PostgreSQL, by a WebSocket that carries the frontend/backend protocol. It runs one statement at a time. */
import { Frames } from './frames.js'
import { type Identity, Login } from './login.js'
import {
  bind,
  cancelRequest,
  copyFail,
  describe,
  execute,
  type Field,
  fieldsIn,
  flush,
  parse,
  type Report,
  reportIn,
  ServerError,
  sync,
  terminate,
} from './messages.js'
import { Reader, textOf } from './reader.js'
import { Rows } from './rows.js'

/** Rows that are asked for at a time: the next ones when these are there, so that a large result does not fill the browser. */
const BATCH = 5000

/** What a result may have. The rest of a larger one is not fetched. */
export const MOST_ROWS = 500_000
export const MOST_BYTES = 256 << 20

/** A statement's result. */
export interface Result {
  /** Undefined if the statement returns no rows. */
  readonly fields: readonly Field[] | undefined
  readonly rows: Rows
  /** The command tag, such as 'INSERT 0 1'. */
  readonly tag: string
  /** Whether there are more rows, which were not fetched. */
  readonly more: boolean
  readonly milliseconds: number
}

export type TransactionStatus = 'idle' | 'in a transaction' | 'in a failed transaction'
const STATUS: Readonly<Record<string, TransactionStatus>> = {
  I: 'idle',
  T: 'in a transaction',
  E: 'in a failed transaction',
}

/** The statement that runs. */
interface Running {
  readonly began: number
  readonly rows: Rows
  fields: readonly Field[] | undefined
  tag: string
  more: boolean
  error: ServerError | undefined
  resolve(result: Result): void
  reject(error: Error): void
}

/** The address of the WebSocket, beside the page. */
const address = () => new URL('session', location.href.replace(/^http/, 'ws'))

export class Session {
  /** Called for each NoticeResponse, and for each NotificationResponse in the form of one. */
  onNotice: (notice: Report) => void = () => {}
  onStatus: (status: TransactionStatus) => void = () => {}
  /** Called when the session has ended, with the reason in words. */
  onEnd: (reason: string) => void = () => {}
  readonly parameters = new Map<string, string>()
  pid = 0
  readonly #socket = new WebSocket(address())
  readonly #frames = new Frames((type, body) => this.#receive(type, body))
  #key = new Uint8Array()
  #login: Login | undefined
  #running: Running | undefined
  #lastError: Report | undefined
  #ended = false
  #opened: { resolve(): void; reject(error: Error): void } | undefined

  /** @throws ServerError, PasswordWanted, or Error when the server cannot be reached */
  static async open(identity: Identity): Promise<Session> {
    const session = new Session(identity)
    try {
      await new Promise<void>((resolve, reject) => {
        session.#opened = { resolve, reject }
      })
    } catch (error) {
      session.close()
      throw error
    }
    return session
  }

  private constructor(identity: Identity) {
    const socket = this.#socket
    socket.binaryType = 'arraybuffer'
    this.#login = new Login(identity, bytes => this.#send(bytes))
    socket.onopen = () => this.#login?.begin()
    socket.onmessage = ({ data }) => this.#frames.add(new Uint8Array(data as ArrayBuffer))
    socket.onclose = ({ reason }) => this.#close(reason)
  }

  get ended(): boolean {
    return this.#ended
  }

  get busy(): boolean {
    return this.#running !== undefined
  }

  /**
   * Runs one statement.
   *
   * @throws ServerError in PostgreSQL's words; Error when the session has ended
   */
  run(sql: string): Promise<Result> {
    if (this.#running !== undefined) throw new Error('a statement runs already')
    if (this.#ended) throw new Error('the session has ended')
    return new Promise((resolve, reject) => {
      this.#running = {
        began: performance.now(),
        rows: new Rows(),
        fields: undefined,
        tag: '',
        more: false,
        error: undefined,
        resolve,
        reject,
      }
      this.#send(parse(sql), bind(), describe(), execute(BATCH), flush())
    })
  }

  /** Asks the server to cancel the statement that runs, by a connection of its own. */
  cancel(): void {
    const socket = new WebSocket(address())
    socket.onopen = () => socket.send(cancelRequest(this.#key) as Uint8Array<ArrayBuffer>)
  }

  close(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#send(terminate())
    this.#socket.close()
  }

  #send(...messages: Uint8Array[]): void {
    for (const bytes of messages) this.#socket.send(bytes as Uint8Array<ArrayBuffer>)
  }

  #receive(type: string, body: Uint8Array): void {
    if (type === 'S') {
      const reader = new Reader(body)
      this.parameters.set(reader.text(), reader.text())
    } else if (type === 'N') this.onNotice(reportIn(body))
    else if (type === 'A') this.onNotice(notification(body))
    else if (type === 'K') {
      this.pid = new Reader(body).int32()
      this.#key = body.slice()
    } else if (type === 'Z') this.#ready(String.fromCharCode(body[0]!))
    else if (this.#login !== undefined) this.#authenticate(this.#login, type, body)
    else this.#result(type, body)
  }

  #authenticate(login: Login, type: string, body: Uint8Array): void {
    const failed = (error: unknown) => this.#opened?.reject(error as Error)
    try {
      login.answer(type, body)?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }

  #ready(status: string): void {
    if (this.#login !== undefined) {
      this.#login = undefined
      this.#opened?.resolve()
    }
    const running = this.#running
    this.#running = undefined
    this.onStatus(STATUS[status] ?? 'idle')
    if (running === undefined) return
    const { fields, rows, tag, more, error, began } = running
    if (error !== undefined) running.reject(error)
    else running.resolve({ fields, rows, tag, more, milliseconds: performance.now() - began })
  }

  #result(type: string, body: Uint8Array): void {
    if (type === 'E') this.#lastError = reportIn(body)
    const running = this.#running
    if (running === undefined) return
    const { rows } = running
    if (type === 'D' || type === 'd') {
      if (rows.length < MOST_ROWS && rows.size < MOST_BYTES) rows.add(type === 'D' ? body : asRow(body))
      else running.more = true
    } else if (type === 'T') running.fields = fieldsIn(body)
    else if (type === 'H') running.fields = [{ name: 'copy', type: TEXT, modifier: -1 }]
    else if (type === 'G') this.#send(copyFail('the console has no data for COPY FROM STDIN'))
    else if (type === 's') {
      running.more = rows.length >= MOST_ROWS || rows.size >= MOST_BYTES
      if (running.more) {
        running.tag = `SELECT ${rows.length}`
        this.#send(sync())
      } else this.#send(execute(BATCH), flush())
    } else if (type === 'C' || type === 'I') {
      running.tag = type === 'C' ? tagIn(body, rows.length) : ''
      this.#send(sync())
    } else if (type === 'E') {
      running.error = new ServerError(reportIn(body))
      this.#send(sync())
    }
  }

  #close(reason: string): void {
    this.#ended = true
    const why = this.#lastError?.message ?? (reason || 'the connection to the server is lost')
    this.#opened?.reject(new Error(why))
    this.#running?.reject(this.#running.error ?? new Error(why))
    this.#running = undefined
    if (this.#login === undefined) this.onEnd(why)
  }
}

/** The command tag, in which the number of rows is that of the last portion. */
function tagIn(body: Uint8Array, rows: number): string {
  const tag = new Reader(body).text()
  return rows > BATCH ? tag.replace(/\d+$/, String(rows)) : tag
}

/** The OID of type text. */
const TEXT = 25

/** A line of COPY TO STDOUT in the form of a row with one column. */
function asRow(line: Uint8Array): Uint8Array {
  const text = textOf(line).replace(/\n$/, '')
  const value = new TextEncoder().encode(text)
  const row = new Uint8Array(6 + value.length)
  const view = new DataView(row.buffer)
  view.setInt16(0, 1)
  view.setInt32(2, value.length)
  row.set(value, 6)
  return row
}

function notification(body: Uint8Array): Report {
  const reader = new Reader(body)
  const pid = reader.int32()
  const [channel, payload] = [reader.text(), reader.text()]
  return { severity: 'NOTIFY', code: '', message: `${channel}: "${payload}" from process ${pid}` }
}
