/** PostgreSQL's client programs under their own names: wasm/dist/commands/ has a script for each, which imports this. */
import { basename } from 'node:path'
import { systemUserName } from '../wasm/node/system-user.js'
import { builtIn, ofPostgres } from './built-in.js'

// As everywhere a client's user is by default the system's. By default this server has TCP, and no unix socket.
const user = systemUserName()
const defaults = { PGHOST: 'localhost', ...(user === undefined ? {} : { PGUSER: user }) }

const [, script = '', ...args] = process.argv
process.exit(await builtIn(basename(script), args, { ...defaults, ...ofPostgres(process.env) }))
