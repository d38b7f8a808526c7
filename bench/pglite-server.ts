/** The process of pglite.ts: serves a data directory on a port until it gets a SIGINT. Arguments: port, directory. */
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'

const [port, dataDir] = process.argv.slice(2)
const db = await PGlite.create({ dataDir: dataDir! })
const server = new PGLiteSocketServer({ db, port: Number(port), host: '127.0.0.1', maxConnections: 100 })
await server.start()

process.on('SIGINT', async () => {
  await server.stop()
  await db.close()
  process.exit(0)
})
process.on('SIGQUIT', () => process.exit(1))
