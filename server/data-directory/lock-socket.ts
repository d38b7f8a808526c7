/**
 * The socket of a lock in a data directory (lock.ts): a unix socket there, on Windows a named pipe and a file there of
 * the same name. Through the pipe, commands also send the server the signals that Windows does not have.
 */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { errorCode } from '../../wasm/cluster/startup-error.js'
import { throughShortPath } from '../linux.js'

/** A socket's path must be shorter than this many bytes. */
const PATH_LIMIT = 104

const WINDOWS = process.platform === 'win32'

/** The signals that a server handles. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR1'] as const
export type ServerSignal = (typeof SIGNALS)[number]

/** Listens by this name. Rejects with the system's error. */
export async function listenAtLock(directory: string, name: string): Promise<Server> {
  const server = createServer(client => (WINDOWS ? takeSignal(client) : client.destroy()))
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
    socket.end(signal)
    await once(socket, 'close')
  })
}

/** Emits a signal in this process, as Node does on systems that have signals. */
function takeSignal(client: Socket): void {
  client.on('error', () => {})
  client.once('data', text => {
    client.end()
    const signal = SIGNALS.find(name => name === text.toString())
    if (signal !== undefined && !process.emit(signal, signal)) process.kill(process.pid, signal)
  })
}

function atLock<T>(directory: string, name: string, use: (path: string) => Promise<T>): Promise<T> {
  if (WINDOWS) return use(`\\\\.\\pipe\\${name}`)
  const path = join(directory, name)
  if (Buffer.byteLength(path) < PATH_LIMIT) return use(path)
  return throughShortPath(directory, folder => use(`${folder}/${name}`))
}
