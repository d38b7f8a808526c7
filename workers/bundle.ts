/** For the types of `pglite-imports-server/workers/module`. */
export type { Bundle } from '../embedded/bundle.js'
