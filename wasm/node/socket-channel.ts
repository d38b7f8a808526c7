/**
 * Passes clients' sockets from the main thread to others, each of which then has a descriptor of its own for the same socket. Node has
 * no function for that between threads; but between processes it passes sockets through a unix socket (SCM_RIGHTS), and such a one
 * can lead to another thread as well. What this uses of Node's streams beneath its documented functions is what child_process
 * and cluster use. Where it is not there, there is no channel, and sockets stay where they are.
 */
import { mkdtempSync, rmdirSync } from 'node:fs'
import { connect, createServer, type Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A stream of the system's, below node:net's. */
export interface Handle {
  readonly fd?: number
  readStart(): number
  readStop(): number
}

/** A unix socket, below node:net's. */
interface Pipe extends Handle {
  open(fd: number): number
  writeLatin1String(request: object, text: string, passed?: Handle): number
  onread: (bytes: ArrayBuffer | undefined) => void
  /** The socket that has come with the bytes of onread. */
  pendingHandle: Handle | undefined
}

/** The type of a pipe through which sockets can be passed. */
const IPC = 2
type PipeConstructor = new (type: typeof IPC) => Pipe

export function handleOf(socket: Socket): Handle | undefined {
  return (socket as unknown as { _handle?: Handle })._handle ?? undefined
}

export const socketOf = (handle: Handle, options: object = {}) =>
  new Socket({ handle, manualStart: true, ...options } as ConstructorParameters<typeof Socket>[0])

/**
 * The sockets that the channels were accepted as. The channel has the same descriptor, and closes it. If these closed it once more, it
 * could be another file by then.
 */
const accepted: Socket[] = []

/** The main thread's end. */
export class SocketChannel {
  /** Where the other thread finds it. */
  readonly path: string
  readonly #server: Server
  #pipe: Pipe | undefined
  #socket: Socket | undefined
  #passed: Handle | undefined

  /** @throws Error if there is no place for a unix socket */
  constructor() {
    // Only this user may connect.
    const folder = mkdtempSync(join(tmpdir(), 'pglite-imports-'))
    this.path = join(folder, 'channel')
    this.#server = createServer({ pauseOnConnect: true }, socket => this.#accept(socket))
    this.#server.on('error', () => this.#stopListening())
    this.#server.listen(this.path).unref()
  }

  /** Whether the other thread has connected. */
  get open(): boolean {
    return this.#pipe !== undefined
  }

  /** Passes a socket, one at a time. Resolves when the system has it: then this thread may close its own descriptor. */
  pass(handle: Handle): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#passed = handle
      this.#socket!.write('\n', 'latin1', error => (error ? reject(error) : resolve()))
    })
  }

  close(): void {
    this.#stopListening()
    this.#socket?.destroy()
    this.#pipe = undefined
  }

  #stopListening(): void {
    // This removes the socket's file.
    this.#server.close()
    try {
      rmdirSync(dirname(this.path))
    } catch {
      // It has been removed before.
    }
  }

  #accept(socket: Socket): void {
    const handle = handleOf(socket) as Pipe
    const { fd } = handle
    const pipe = new (handle.constructor as PipeConstructor)(IPC)
    if (fd === undefined || pipe.open(fd) !== 0) return
    accepted.push(socket)
    const write = pipe.writeLatin1String
    pipe.writeLatin1String = (request, text) => write.call(pipe, request, text, this.#passed)
    this.#socket = socketOf(pipe).unref()
    this.#socket.on('error', () => this.close())
    this.#pipe = pipe
    this.#stopListening()
  }
}

/** The other thread's end. */
export class SocketReceiver {
  /** What has come before it was asked for, and who has asked before it came, in order: so each socket gets to its own process. */
  readonly #received: (Handle | undefined)[] = []
  readonly #asked: ((handle: Handle | undefined) => void)[] = []

  constructor(path: string) {
    // Node gives no other way to the class of its pipes.
    const other = connect(`${path}?`).on('error', () => {})
    const pipe = new (handleOf(other)!.constructor as PipeConstructor)(IPC)
    const socket = socketOf(pipe).on('error', () => {})
    pipe.onread = bytes => {
      const handle = pipe.pendingHandle ?? undefined
      pipe.pendingHandle = undefined
      if (bytes === undefined) return
      const give = this.#asked.shift()
      if (give === undefined) this.#received.push(handle)
      else give(handle)
    }
    socket.connect(path)
  }

  /** Resolves to the next socket that has been passed, or will be; to undefined if there was no file descriptor for it. */
  next(): Promise<Handle | undefined> {
    if (this.#received.length > 0) return Promise.resolve(this.#received.shift())
    return new Promise(give => this.#asked.push(give))
  }
}
