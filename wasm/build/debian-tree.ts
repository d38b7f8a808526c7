/**
 * Makes a Debian tree: a folder with a minimal Debian release, made by debootstrap and entered by chroot, so the
 * machine's own packages do not matter and are not changed. No file systems are mounted, because containers often forbid
 * that; so everything that a program in the tree works on is inside the tree.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { BuildFailure } from './failure.js'
import { logFile } from './paths.js'
import { run } from './process.js'
import type { Step } from './progress.js'

/** The release of the compiler, and of the native PostgreSQL that results are compared with. */
export const RELEASE = 'forky'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/** Fills an empty folder with the release; `name` tells this tree's logs from another's. Throws BuildFailure if it cannot. */
export async function makeDebianTree(tree: string, name: string, step: Step): Promise<void> {
  const log = (part: string) => logFile(`${name}-${part}`)
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
  writeFileSync(
    join(tree, 'etc/apt/apt.conf.d/90-build'),
    // A mirror may lag behind its own validity date.
    'Acquire::Check-Valid-Until "false";\nAcquire::Languages "none";\nAPT::Install-Recommends "false";\n',
  )
}

/** A command that runs a program of a tree, or of the machine itself where the root is ''. */
export function inTree(root: string, command: string[]): string[] {
  return root === '' ? command : ['chroot', root, ...command]
}

/** Installs packages, by name or as files, and what they depend on, but not what they recommend. */
export async function installPackages(
  tree: string,
  packages: string[],
  name: string,
  step: Step,
): Promise<void> {
  step.detail(`install ${packages.length} packages`)
  const apt = (part: string, ...args: string[]) =>
    run(inTree(tree, ['apt-get', '-y', ...args]), {
      log: logFile(`${name}-apt-${part}`),
      doing: `install ${packages.map(name => basename(name)).join(' ')}`,
    })
  await apt('update', 'update')
  await apt('install', 'install', ...packages)
  await apt('clean', 'clean')
}

async function requireDebootstrap(log: string): Promise<void> {
  const wayOut =
    'The build needs Emscripten 6 and sources of Debian. It takes both from there, in one of two ways:\n' +
    '  - as root on a Debian system (a container will do): nothing to prepare, it makes a Debian tree in its cache\n' +
    '  - on a Debian system with the packages "emscripten" (6 or later), dpkg-dev, make, perl, bison and flex:\n' +
    '    no root needed'
  if (process.platform !== 'linux') throw new BuildFailure(`the build runs on Linux only\n${wayOut}`)
  if (process.getuid?.() !== 0) throw new BuildFailure(`only root can make a Debian tree\n${wayOut}`)
  const present = () => existsSync(KEYRING) && spawnSync('debootstrap', ['--version']).status === 0
  if (present()) return
  if (spawnSync('apt-get', ['--version']).status !== 0)
    throw new BuildFailure(`this machine has neither debootstrap nor apt-get\n${wayOut}`)
  const doing = 'install debootstrap'
  await run(['apt-get', '-y', 'update'], { log, doing })
  await run(
    ['apt-get', '-y', 'install', '--no-install-recommends', 'debootstrap', 'debian-archive-keyring'],
    {
      log,
      doing,
    },
  )
  if (!present()) throw new BuildFailure(`debootstrap is installed but does not run\n${wayOut}`)
}
