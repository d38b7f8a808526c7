/** The type of what `pglite-imports-server/workers/module` exports. */
export type { ServerModule } from '../embedded/server-module.js'
