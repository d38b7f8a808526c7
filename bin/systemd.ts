/**
 * Tells systemd what the server is doing, if a unit of Type=notify has started this process: sd_notify(3). It runs
 * systemd-notify for that, because Node has no unix datagram sockets; so the unit needs NotifyAccess=all.
 */
import { spawn } from 'node:child_process'

/** Does nothing without NOTIFY_SOCKET in the environment. */
export function notifySystemd(state: 'READY=1' | 'STOPPING=1'): void {
  if (!process.env.NOTIFY_SOCKET) return
  const child = spawn('systemd-notify', [`--pid=${process.pid}`, state], { stdio: 'ignore' })
  child.on('error', error => {
    console.error(`pglite-imports-server: cannot notify systemd: ${error.message}`)
  })
  child.unref()
}
