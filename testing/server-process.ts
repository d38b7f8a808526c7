/**
 * The process of a test server. It ends with the process that has started it, however that ends, unless databases of failed tests
 * are to be kept.
 */
import { rmSync } from 'node:fs'
import pg from 'pg'
import { type PostgresServer, type StartServerOptions, startServer } from '../server/index.js'
import { serveBranches } from './branches.js'
import { isAlive } from './is-alive.js'
import type { Until } from './server.js'

/** Milliseconds between two checks whether a process still runs. */
const INTERVAL = 200

// Ctrl-C is meant for the test runner, and this process ends with that.
process.on('SIGINT', () => {})

try {
  const { options, until } = JSON.parse(process.argv[2]!) as { options: StartServerOptions; until?: Until }
  const server = await startServer({ ...options, port: 0, host: '127.0.0.1' })
  await server.servePools()
  await serveBranches(server)
  process.on('SIGTERM', () => void end(server))
  process.on('exit', () => {
    if (until !== undefined) rmSync(until.folder, { recursive: true, force: true })
  })
  whenGone(until?.pid, () => void endUnlessKept(server))
  process.send?.({ url: server.url })
} catch (error) {
  process.send?.({ error: (error as Error).message }, () => process.exit(1))
}

/** Calls back once when a process has ended, or the one that has started this. */
function whenGone(pid: number | undefined, gone: () => void): void {
  if (pid === undefined) {
    process.once('disconnect', gone)
    if (!process.connected) gone()
    return
  }
  const timer = setInterval(() => {
    if (isAlive(pid)) return
    clearInterval(timer)
    gone()
  }, INTERVAL)
}

async function end(server: PostgresServer): Promise<void> {
  await server.stop()
  process.exit()
}

async function endUnlessKept(server: PostgresServer): Promise<void> {
  const client = new pg.Client({ stream: () => server.connect(), user: server.user, database: 'postgres' })
  await client.connect()
  const { rowCount } = await client.query(`select from pglite_imports.database where state = 'kept'
    union all select from pglite_imports.branch where state = 'kept'`)
  await client.end()
  if (rowCount === 0) await end(server)
}
