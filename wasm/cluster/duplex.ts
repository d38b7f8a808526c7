/** The streams that drivers take for sockets. In browsers, which have no node:stream, duplex-in-browser.ts is in its place: "imports" in package.json. */
export { Duplex } from 'node:stream'
