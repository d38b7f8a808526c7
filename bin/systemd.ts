/**
 * Tells systemd, which started this process by a unit of Type=notify, what the server is doing: sd_notify(3). By
 * systemd's own program for that, because Node has no datagram sockets in the file system; so the unit needs
 * NotifyAccess=all.
 */
import { spawn } from 'node:child_process'

/** Does nothing where nobody wants to be told. */
export function notifySystemd(state: 'READY=1' | 'STOPPING=1'): void {
  if (!process.env.NOTIFY_SOCKET) return
  const child = spawn('systemd-notify', [`--pid=${process.pid}`, state], { stdio: 'ignore' })
  child.on('error', error => {
    console.error(`pglite-imports-server: systemd cannot be notified: ${error.message}`)
  })
  child.unref()
}
