/**
 * The compiler and PostgreSQL's source both come from Debian forky: its `emscripten` package (with clang, wasm-ld and the
 * C library's source of the same age) and its `postgresql-18` source package. They live in a Debian tree of their own,
 * made by debootstrap and entered by chroot, so the machine's own packages do not matter and stay as they are. No file
 * systems are mounted, because containers often forbid that: what the compiler works on lies inside the tree.
 *
 * A machine that has such an Emscripten itself is used as it is, without a tree.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { BuildFailure } from './failure.js'
import { hashOf } from './hash.js'
import { makeOnce } from './once.js'
import { cache, logFile } from './paths.js'
import { type RunOptions, run } from './process.js'
import type { Step } from './progress.js'

const RELEASE = 'forky'
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
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
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
  const reused = await makeOnce(tree, unfinished => makeTree(unfinished, step))
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

async function makeTree(tree: string, step: Step): Promise<void> {
  const log = (name: string) => logFile(`toolchain-${name}`)
  await requireDebootstrap(log('debootstrap-install'))

  step.detail(`debootstrap ${RELEASE}`)
  await run(
    // An empty mirror argument means debootstrap's default; the script for sid serves every later release.
    // The archive's signature is always checked: without the keyring debootstrap would only warn.
    [
      'debootstrap',
      '--variant=minbase',
      '--force-check-gpg',
      `--keyring=${KEYRING}`,
      RELEASE,
      tree,
      '',
      'sid',
    ],
    { log: log('debootstrap'), doing: `make a Debian ${RELEASE} tree (is the network reachable?)` },
  )

  step.detail(`install ${PACKAGES.length} packages`)
  writeFileSync(
    join(tree, 'etc/apt/apt.conf.d/90-build'),
    // A mirror may lag behind its own validity date.
    'Acquire::Check-Valid-Until "false";\nAcquire::Languages "none";\nAPT::Install-Recommends "false";\n',
  )
  const sources = join(tree, 'etc/apt/sources.list')
  appendFileSync(sources, readFileSync(sources, 'utf8').replace(/^deb /gm, 'deb-src '))
  const apt = (name: string, ...args: string[]) =>
    run(['chroot', tree, 'apt-get', '-y', ...args], {
      log: log(`apt-${name}`),
      doing: `install ${PACKAGES.join(' ')}`,
    })
  await apt('update', 'update')
  await apt('install', 'install', ...PACKAGES)
  await apt('clean', 'clean')
}

async function requireDebootstrap(log: string): Promise<void> {
  const wayOut =
    'The build needs Emscripten 6 and the source of PostgreSQL 18. It takes both from Debian, in one of two ways:\n' +
    '  - as root on a Debian system (a container will do): nothing to prepare, it makes a Debian tree in its cache\n' +
    '  - with the packages "emscripten" (6 or later), dpkg-dev, make, perl, bison, flex and a deb-src line for\n' +
    '    postgresql-18 on the machine itself: no root needed'
  if (process.platform !== 'linux') throw new BuildFailure(`the build runs on Linux only\n${wayOut}`)
  if (process.getuid?.() !== 0) throw new BuildFailure(`only root can make a Debian tree\n${wayOut}`)
  const present = () => existsSync(KEYRING) && spawnSync('debootstrap', ['--version']).status === 0
  if (present()) return
  if (spawnSync('apt-get', ['--version']).status !== 0)
    throw new BuildFailure(`neither debootstrap nor apt-get is on this machine\n${wayOut}`)
  const doing = 'install debootstrap'
  await run(['apt-get', '-y', 'update'], { log, doing })
  await run(
    ['apt-get', '-y', 'install', '--no-install-recommends', 'debootstrap', 'debian-archive-keyring'],
    {
      log,
      doing,
    },
  )
  if (!present()) throw new BuildFailure(`debootstrap was installed and still does not run\n${wayOut}`)
}
