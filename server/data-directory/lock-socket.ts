/**
 * The socket of a lock in a data directory (lock.ts): a unix socket there, on Windows a named pipe and a file there of
 * the same name. Only the user who runs the server can connect to it. Commands send requests through it, a line of JSON each, and on
 * Windows the signals that it does not have.
 */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import { throughShortPath } from '../linux.js'

/** A socket's path must be shorter than this many bytes. */
const PATH_LIMIT = 104

const WINDOWS = process.platform === 'win32'

/** The signals that a server handles. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR1'] as const
export type ServerSignal = (typeof SIGNALS)[number]

/** What a command asks a server for. */
export interface LockRequest {
  /** Copy the cluster into this directory; its path is absolute. */
  readonly branch: string
}

/** What the server answers: lines for the person who has asked, or why it could not. */
export type LockAnswer = { readonly notes: readonly string[] } | { readonly error: string }

/** Answers a request; rejects with an error that tells why it cannot. */
export type OnRequest = (request: LockRequest) => Promise<readonly string[]>

/**
 * Listens by this name. Rejects with the system's error.
 *
 * @param onRequest returns what answers requests at present
 */
export async function listenAtLock(
  directory: string,
  name: string,
  onRequest: () => OnRequest,
): Promise<Server> {
  const server = createServer(client => void take(client, onRequest()))
  await atLock(directory, name, async path => {
    server.listen(path)
    await once(server, 'listening')
  })
  // A pipe is in no directory, so a file of the same name shows that there is one.
  if (WINDOWS) writeFileSync(join(directory, name), '')
  server.unref()
  // A process that asks learns all it needs from being accepted, so errors of its socket do not matter.
  server.on('error', () => {})
  return server
}

/** Whether a process listens by this name. If the system does not tell, the answer is yes. */
export function isLockHeld(directory: string, name: string): Promise<boolean> {
  return atLock(
    directory,
    name,
    path =>
      new Promise(resolve => {
        const socket = connect(path)
        socket.once('connect', () => {
          socket.destroy()
          resolve(true)
        })
        socket.once('error', error => resolve(!['ECONNREFUSED', 'ENOENT'].includes(errorCode(error) ?? '')))
      }),
  )
}

/** Sends a signal to the process that listens by this name, on Windows. Rejects with the system's error. */
export function signalLock(directory: string, name: string, signal: ServerSignal): Promise<void> {
  return atLock(directory, name, async path => {
    const socket = connect(path)
    socket.on('error', () => {}) // The server has ended.
    await once(socket, 'connect')
    socket.end(`${signal}\n`)
    await once(socket, 'close')
  })
}

/**
 * Sends a request to the process that listens by this name.
 *
 * @throws StartupError with what the server answers; the system's error
 */
export function askLock(directory: string, name: string, request: LockRequest): Promise<readonly string[]> {
  return atLock(directory, name, async path => {
    const socket = connect(path)
    socket.write(`${JSON.stringify(request)}\n`)
    const text = await lineFrom(socket).catch(() => '')
    socket.destroy()
    // A server of an earlier version closes the connection.
    if (text === '') throw new StartupError('the server does not answer: stop it, and try again')
    const answer = JSON.parse(text) as LockAnswer
    if ('error' in answer) throw new StartupError(answer.error)
    return answer.notes
  })
}

async function take(client: Socket, onRequest: OnRequest): Promise<void> {
  // A connection keeps no server running.
  client.unref()
  client.on('error', () => {})
  const text = await lineFrom(client).catch(() => '')
  if (WINDOWS && !text.startsWith('{')) {
    client.end()
    return emitSignal(text)
  }
  if (text === '') return void client.destroy()
  const answer = await onRequest(JSON.parse(text) as LockRequest).then(
    (notes): LockAnswer => ({ notes }),
    (error: Error): LockAnswer => ({ error: error.message }),
  )
  client.end(`${JSON.stringify(answer)}\n`)
}

/** A line without its end; '' if the other process ends the connection before. A pipe of Windows has no end in one direction only. */
async function lineFrom(socket: Socket): Promise<string> {
  let text = ''
  for await (const part of socket.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += part
    if (text.endsWith('\n')) return text.slice(0, -1)
  }
  return ''
}

/** Emits a signal in this process, as Node does on systems that have signals. */
function emitSignal(text: string): void {
  const signal = SIGNALS.find(name => name === text)
  if (signal !== undefined && !process.emit(signal, signal)) process.kill(process.pid, signal)
}

function atLock<T>(directory: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  if (WINDOWS) return use(`\\\\.\\pipe\\${name}`)
  const path = join(directory, name)
  if (Buffer.byteLength(path) < PATH_LIMIT) return use(path)
  return throughShortPath(directory, folder => use(`${folder}/${name}`))
}
