/** PostgreSQL's client programs under their own names: wasm/dist/commands/ has a script for each, which imports this. */
import { userInfo } from 'node:os'
import { basename } from 'node:path'
import { builtIn, ofPostgres } from './built-in.js'

// As everywhere a client's user is by default the system's. By default this server has TCP, and no unix socket.
const defaults = { PGHOST: 'localhost', PGUSER: userInfo().username }

const [, script = '', ...args] = process.argv
process.exit(await builtIn(basename(script), args, { ...defaults, ...ofPostgres(process.env) }))
