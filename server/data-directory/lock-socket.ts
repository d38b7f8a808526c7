/**
 * The socket of a lock in a data directory (lock.ts): a unix socket there, on Windows a named pipe and a file there of
 * the same name. By a pipe the server is also sent the signals that Windows does not have.
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

/** What means something to a server, by the names that signals have elsewhere. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGQUIT', 'SIGHUP', 'SIGUSR1'] as const
export type ServerSignal = (typeof SIGNALS)[number]

/** Listens by this name. Rejects with the system's error. */
export async function listenAtLock(directory: string, name: string): Promise<Server> {
  const server = createServer(client => (WINDOWS ? takeSignal(client) : client.destroy()))
  await atLock(directory, name, async path => {
    server.listen(path)
    await once(server, 'listening')
  })
  // A pipe is in no directory.
  if (WINDOWS) writeFileSync(join(directory, name), '')
  server.unref()
  // Whoever cannot be answered has been told enough by being let in.
  server.on('error', () => {})
  return server
}

/** Whether somebody listens by this name. What cannot be found out counts as yes. */
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

/** Sends a signal to who listens by this name, on Windows. Rejects with the system's error. */
export function signalLock(directory: string, name: string, signal: ServerSignal): Promise<void> {
  return atLock(directory, name, async path => {
    const socket = connect(path)
    socket.on('error', () => {}) // Once connected, it has ended before it could say anything.
    await once(socket, 'connect')
    socket.end(signal)
    await once(socket, 'close')
  })
}

/** As the system delivers it elsewhere, to whoever in this process listens for it. */
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
