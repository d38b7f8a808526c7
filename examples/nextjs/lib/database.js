import pg from 'pg'
import { startServer } from 'pglite-imports-server'

const MIGRATION = 'create table if not exists goods (id serial primary key, name text not null)'

async function open() {
  const server = await startServer({ dataDir: process.env.DATA_DIR ?? './data', port: 0 })
  const pool = new pg.Pool({ stream: () => server.connect(), user: 'postgres' })
  await pool.query(MIGRATION)
  return pool
}

/** One server for this process. When a file changes, Next.js loads this module again, but globalThis stays. */
export function database() {
  globalThis.database ??= open()
  return globalThis.database
}
