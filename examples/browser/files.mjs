/** Puts PostgreSQL's files where the page asks for them: at /postgres/. */
import { cpSync } from 'node:fs'

cpSync('node_modules/pglite-imports-server/wasm/dist', 'public/postgres', { recursive: true })
