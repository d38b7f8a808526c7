/**
 * A Web Worker with the server and a client: each message is SQL, each answer what comes of it. The browser keeps the cluster. If the
 * page is open in several tabs, the worker of one of them runs the server, and the others are connected to it.
 */
import './node/globals.js'
import pg from 'pg'
import { loadModule, openPostgres } from 'pglite-imports-server/browser'

const postgres = await openPostgres({ name: 'example', module: () => loadModule('/postgres/') })

let client
/** Connects, and connects again when the tab that ran the server was closed. */
async function connected() {
  if (client === undefined) {
    const next = new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })
    next.on('error', () => {
      client = undefined
    })
    await next.connect()
    client = next
  }
  return client
}

self.onmessage = async ({ data: sql }) => {
  try {
    self.postMessage(JSON.stringify((await (await connected()).query(sql)).rows))
  } catch (error) {
    self.postMessage(`ERROR:  ${error.message}`)
  }
}
await connected()
self.postMessage('PostgreSQL is ready')
