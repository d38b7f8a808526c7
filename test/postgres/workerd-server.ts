/**
 * The server under test in a Durable Object of workerd, where all of its processes share a thread and no code can be generated:
 * PostgreSQL's programs reach it as every client does, by the bridge and a WebSocket, with a password.
 */
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startBridge } from '../../server/bridge/bridge.js'
import { repository } from '../../wasm/build/paths.js'
import { makeRuntimeFolder, startRuntime } from '../fixtures/workerd/runtime.js'
import { crashesIn, SETTINGS, type Server } from './server.js'

const PASSWORD = 'suites'

/** @param log file that its log is written to */
export async function startWorkerdServer(
  settings: Readonly<Record<string, string>>,
  log: string,
): Promise<Server> {
  const entry = join(repository, 'test', 'fixtures', 'workerd', 'suites.ts')
  const folder = await makeRuntimeFolder(entry)
  const file = createWriteStream(log)
  const crashes: string[] = []
  const runtime = await startRuntime(folder, text => {
    file.write(text)
    crashes.push(...crashesIn(text))
  })
  const url = `http://127.0.0.1:${runtime.port}`
  const post = async (path: string, body = '') => {
    const response = await fetch(`${url}${path}`, { method: 'POST', body })
    if (!response.ok) throw new Error(`the server in workerd failed, see ${log}:\n${await response.text()}`)
    return response.text()
  }
  await post('/start', JSON.stringify({ password: PASSWORD, settings: { ...SETTINGS, ...settings } }))
  const bridge = await startBridge({ url, host: '127.0.0.1', port: 0 })
  return {
    port: bridge.port,
    environment: { PGPASSWORD: PASSWORD },
    async stop() {
      await bridge.stop()
      const code = await post('/stop')
      const ended = new Promise(resolve => runtime.child.once('exit', resolve))
      runtime.child.kill('SIGKILL')
      await ended
      file.end()
      await rm(folder, { recursive: true })
      return code === '0' || crashes.length > 0 ? crashes : [`the server ended with ${code}`]
    },
  }
}
