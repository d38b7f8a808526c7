/** What postgres.js uses of Node's module `perf_hooks`. */
export const { performance } = globalThis
