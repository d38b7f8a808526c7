/** What a cluster runs on under Node. */

import type { ClusterHost } from '../cluster/cluster.js'
import { Coroutines } from '../machine/coroutines.js'
import { hasPromiseIntegration } from '../machine/jspi.js'
import type { StackSize } from '../machine/stack.js'
import { commonEnvironment, loadPrograms, serverPath } from './artefacts.js'
import { confinedFiles, type FileAccess } from './confined-files.js'
import { IS_NODE, setCoroutineStack } from './engine.js'
import { engineStack } from './stack.js'
import { nodeSystem } from './system.js'
import type { ThreadPool } from './thread-pool.js'
import { Threads } from './threads.js'

/**
 * @param access which files of the computer the cluster may reach
 * @param threads the threads that processes run on; undefined: all processes run on the caller's
 * @param stack how deep the processes may recurse
 * @throws Error without threads, if this Node has no JSPI
 */
export function nodeHost(access: FileAccess, threads: ThreadPool | undefined, stack: StackSize): ClusterHost {
  if (IS_NODE && hasPromiseIntegration()) setCoroutineStack(engineStack(stack))
  return {
    programs: loadPrograms(),
    postgresPath: serverPath(),
    environment: commonEnvironment(),
    pid: process.pid,
    scheduler: (setup, heard) =>
      threads === undefined
        ? new Coroutines(setup, { system: nodeSystem, files: () => confinedFiles(access) }, heard, stack)
        : new Threads(setup, heard, access, threads),
  }
}
