/**
 * The streams that drivers accept as sockets. In browsers, which have no node:stream, "imports" in package.json replaces this file by
 * duplex-in-browser.ts.
 */
export { Duplex } from 'node:stream'
