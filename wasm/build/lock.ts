/**
 * One build at a time per cache.
 *
 * The lock is the operating system's (flock), on a file descriptor of this process. It cannot become stale: it is released when
 * the last process that has the descriptor has closed it or ended. Child processes inherit it (see process.ts), so a
 * compiler that outlives a killed build still keeps the next build out of the tree that it writes to.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { BuildFailure } from './failure.js'
import { cache } from './paths.js'

let descriptor: number | undefined

/** The descriptor that holds the lock, for children to inherit. */
export function lockDescriptor(): number | 'ignore' {
  return descriptor ?? 'ignore'
}

/** Waits until no other build uses the cache, and does this work while the cache is locked. Must not be called within itself. */
export async function withCacheLocked<T>(work: () => Promise<T>): Promise<T> {
  descriptor = lockCache()
  try {
    return await work()
  } finally {
    closeSync(descriptor)
    descriptor = undefined
  }
}

function lockCache(): number {
  mkdirSync(cache, { recursive: true })
  const opened = openSync(join(cache, 'lock'), 'a')
  const flock = (...options: string[]) =>
    spawnSync('flock', [...options, '3'], { stdio: ['ignore', 'ignore', 'inherit', opened] })

  const first = flock('--nonblock')
  if (first.error)
    throw new BuildFailure(
      'the command "flock" is missing: install util-linux (the build runs on Linux only)',
    )
  if (first.status !== 0) {
    console.log(`waiting for another build that uses ${cache}`)
    if (flock().status !== 0) throw new BuildFailure(`cannot lock ${join(cache, 'lock')}`)
  }
  return opened
}
