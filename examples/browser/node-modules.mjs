/** The modules of Node's that node-postgres and postgres.js import, and what is in their place in a browser. */
import { fileURLToPath } from 'node:url'

/** @param {string} name */
const file = name => fileURLToPath(new URL(`src/node/${name}`, import.meta.url))

export const nodeModules = {
  'util/types': file('util.js'),
  util: file('util.js'),
  crypto: file('none.js'),
  dns: file('none.js'),
  fs: file('none.js'),
  net: file('none.js'),
  os: file('none.js'),
  path: file('none.js'),
  perf_hooks: file('perf_hooks.js'),
  stream: file('none.js'),
  string_decoder: file('none.js'),
  tls: file('none.js'),
}
