/** What a cluster runs on under Node. */
import { environment, loadPrograms, postgresPath } from './artefacts.js'
import type { ClusterHost } from './cluster.js'
import { Coroutines } from './coroutines.js'
import { nodeFiles } from './host/node-files.js'
import { nodeSystem } from './host/node-system.js'
import { Threads } from './threads.js'

/**
 * @param threads whether each process has a thread; otherwise all run on the caller's
 * @throws Error without threads, if this Node has no JSPI
 */
export function nodeHost(threads: boolean): ClusterHost {
  return {
    programs: loadPrograms(),
    postgresPath,
    environment,
    pid: process.pid,
    scheduler: (setup, heard) =>
      threads
        ? new Threads(setup, heard)
        : new Coroutines(setup, { system: nodeSystem, files: nodeFiles }, heard),
  }
}
