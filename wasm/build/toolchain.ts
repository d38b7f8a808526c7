/**
 * The compiler comes from Debian: the `emscripten` package, with clang, wasm-ld and the C library's source of the same age.
 * It lives in a Debian tree of its own (debian-tree.ts); what the compiler works on lies inside the tree.
 *
 * The programs that make the output are installed in the versions that pins.json names: Emscripten, LLVM, Binaryen, bison and flex.
 * Programs that only run these and the makefiles (Python, Perl, make, Node, the C library of the tree) are the release's newest.
 *
 * If the machine has such an Emscripten itself, the build uses that, without a tree and without regard to the pins.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fetchPin } from './archive.js'
import { installPackages, inTree, makeDebianTree, RELEASE } from './debian-tree.js'
import { BuildFailure } from './failure.js'
import { hashOf } from './hash.js'
import { makeOnce } from './once.js'
import { cache } from './paths.js'
import { type Pin, pinsOfToolchain } from './pins.js'
import { type RunOptions, run } from './process.js'
import type { Step } from './progress.js'

/** The packages to install; apt adds those that they depend on. */
export const PACKAGES = [
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
  const pins = pinsOfToolchain(architecture)
  const tree = join(cache, `toolchain-${hashOf(RELEASE, ...PACKAGES, JSON.stringify(pins))}`)
  const reused = await makeOnce(tree, unfinished => makeToolchain(unfinished, pins, step))
  step.detail(reused ? 'from the cache' : `Debian ${RELEASE}`)
  return toolchainIn(tree, '/build')
}

/** Fills an empty folder with a tree in which the pinned packages are installed as files, and others by name. */
async function makeToolchain(tree: string, pins: Record<string, Pin>, step: Step): Promise<void> {
  await makeDebianTree(tree, 'toolchain', step)
  const folder = '/pinned'
  mkdirSync(join(tree, folder))
  const files: string[] = []
  for (const [name, pin] of Object.entries(pins)) {
    step.detail(`download ${name}`)
    files.push(...(await fetchPin(tree, name, pin, folder)))
  }
  const others = PACKAGES.filter(name => pins[name] === undefined)
  try {
    await installPackages(tree, [...files, ...others], 'toolchain', step)
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error
    const hint = `If it says that these do not fit Debian ${RELEASE} any more: "npm run inputs:update -- toolchain" pins those that do.`
    throw new BuildFailure(`${error.message}\n\n${hint}`)
  }
  rmSync(join(tree, folder), { recursive: true })
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
      return run(inTree(root, inFolder), {
        ...options,
        env: { ...environment, ...env },
      })
    },
  }
}

/** The machine's architecture as Debian names it, which is that of its Debian trees, too. */
export const architecture = process.arch === 'x64' ? 'amd64' : process.arch

/** A recent `emcc` installed by Debian's packages. */
function machineHasEmscripten(): boolean {
  const emcc = spawnSync('emcc', ['--version'], { encoding: 'utf8' })
  const version = /\b(\d+)\.\d+\.\d+/.exec(emcc.stdout ?? '')
  return emcc.status === 0 && Number(version?.[1]) >= EMSCRIPTEN_MAJOR && existsSync('/usr/share/emscripten')
}
