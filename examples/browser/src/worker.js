/** A Web Worker with the server and a client: each message is SQL, each answer what comes of it. */
import './node/globals.js'
import pg from 'pg'
import { createPostgres, loadModule } from 'pglite-imports-server/embedded'

const postgres = await createPostgres({ module: await loadModule('/postgres/') })
const client = new pg.Client({ stream: () => postgres.connect(), user: 'postgres' })
await client.connect()

self.onmessage = async ({ data: sql }) => {
  try {
    self.postMessage(JSON.stringify((await client.query(sql)).rows))
  } catch (error) {
    self.postMessage(`ERROR:  ${error.message}`)
  }
}
self.postMessage('PostgreSQL is ready')
