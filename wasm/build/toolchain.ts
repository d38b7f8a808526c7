/**
 * The compiler and PostgreSQL's source both come from Debian forky: its `emscripten` package (with clang, wasm-ld and the
 * C library's source of the same age) and its `postgresql-18` source package. They live in a Debian tree of their own
 * (debian-tree.ts); what the compiler works on lies inside the tree.
 *
 * A machine that has such an Emscripten itself is used as it is, without a tree.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { installPackages, makeDebianTree, RELEASE } from './debian-tree.js'
import { hashOf } from './hash.js'
import { makeOnce } from './once.js'
import { cache } from './paths.js'
import { type RunOptions, run } from './process.js'
import type { Step } from './progress.js'

const PACKAGES = [
  'emscripten',
  'dpkg-dev',
  'bison',
  'flex',
  'perl',
  'make',
  'gcc',
  'libc6-dev',
  'patch',
  'xz-utils',
]
const EMSCRIPTEN_MAJOR = 6

export interface Toolchain {
  /** Root of the Debian tree, or '' for the machine itself. */
  root: string
  /** Where the compiler works, as the compiler sees it. */
  work: string
  /** Folder of clang, wasm-ld and llvm-*, as the compiler sees it. */
  llvm: string
  /** Same folder or file of the work directory, as this process sees it. */
  outside(path: string): string
  /** Runs a program of the toolchain; paths are as the compiler sees them, except `log`. */
  run(command: string[], options: RunOptions): Promise<string>
}

export async function getToolchain(step: Step): Promise<Toolchain> {
  if (machineHasEmscripten()) {
    step.detail("this machine's own Emscripten")
    return toolchainIn('', join(cache, 'machine'))
  }
  const tree = join(cache, `toolchain-${hashOf(RELEASE, ...PACKAGES)}`)
  const reused = await makeOnce(tree, async unfinished => {
    await makeDebianTree(unfinished, 'toolchain', step)
    await installPackages(unfinished, PACKAGES, 'toolchain', step)
  })
  step.detail(reused ? 'from the cache' : `Debian ${RELEASE}`)
  return toolchainIn(tree, '/build')
}

function toolchainIn(root: string, work: string): Toolchain {
  mkdirSync(join(root, work), { recursive: true })
  const versions = readdirSync(join(root, '/usr/lib')).filter(name => /^llvm-\d+$/.test(name))
  const newest = versions.sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))).at(-1)
  const llvm = `/usr/lib/${newest}/bin`
  const environment = {
    PATH: `${llvm}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: root ? '/root' : homedir(),
  }
  return {
    root,
    work,
    llvm,
    outside: path => join(root, path),
    run(command, { cwd = work, env = {}, ...options }) {
      const inFolder = ['sh', '-c', 'cd "$0" && exec "$@"', cwd, ...command]
      return run(root ? ['chroot', root, ...inFolder] : inFolder, {
        ...options,
        env: { ...environment, ...env },
      })
    },
  }
}

/** A recent `emcc` installed by Debian's packages, and PostgreSQL 18's source within apt's reach. */
function machineHasEmscripten(): boolean {
  const emcc = spawnSync('emcc', ['--version'], { encoding: 'utf8' })
  const version = /\b(\d+)\.\d+\.\d+/.exec(emcc.stdout ?? '')
  if (emcc.status !== 0 || Number(version?.[1]) < EMSCRIPTEN_MAJOR) return false
  if (!existsSync('/usr/share/emscripten')) return false
  const source = spawnSync('apt-cache', ['showsrc', 'postgresql-18'], { encoding: 'utf8' })
  return source.status === 0 && /^Package: postgresql-18$/m.test(source.stdout)
}
