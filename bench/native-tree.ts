/**
 * PostgreSQL 18 for this machine, to compare with: Debian's package, of the release that the compiler and PostgreSQL's
 * source come from, in a Debian tree in the cache. The same tree's pgbench and psql are the clients of all systems. Programs
 * in it are run by chroot, which leaves them the machine's network.
 */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { installPackages, makeDebianTree, RELEASE } from '../wasm/build/debian-tree.js'
import { BuildFailure } from '../wasm/build/failure.js'
import { hashOf } from '../wasm/build/hash.js'
import { withCacheLocked } from '../wasm/build/lock.js'
import { makeOnce } from '../wasm/build/once.js'
import { cache } from '../wasm/build/paths.js'
import { Progress, type Step } from '../wasm/build/progress.js'

/**
 * PostgreSQL with the programs that run its own tests, and what those need: make for their makefiles, Perl's modules for
 * the scripts, and the libraries of a Node that is copied into the tree.
 */
const PACKAGES = ['postgresql-18', 'make', 'libipc-run-perl', 'libstdc++6', 'libatomic1']
const NAME = 'native-postgres'

/** Where PostgreSQL's programs lie in the tree. */
const PROGRAMS = '/usr/lib/postgresql/18/bin'

/** A pooler that many put in front of PostgreSQL. */
const POOLER = '/usr/sbin/pgbouncer'

/** Scratch space in the tree, as its programs see it: data directories of native PostgreSQL. */
const SCRATCH = '/var/lib/bench'

export interface NativeTree {
  /** The tree's root, as this process sees it. */
  readonly root: string
  /** Starts a program of PostgreSQL: as `postgres` if it works on a data directory, else as root. */
  spawn(program: string, args: string[], options?: SpawnOptions): ReturnType<typeof spawn>
  /** Makes an empty data directory that `postgres` owns; returns its path as programs in the tree see it. */
  makeDirectory(name: string): string
  /** Removes what makeDirectory() made. */
  removeDirectory(path: string): void
}

/** Finds the tree in the cache or makes it, which takes a minute. Throws BuildFailure if that is impossible. */
export async function getNativeTree(): Promise<NativeTree> {
  const tree = join(cache, `${NAME}-${hashOf(RELEASE, ...PACKAGES)}`)
  if (process.getuid?.() !== 0)
    throw new BuildFailure('only root can make and enter the Debian tree with PostgreSQL to compare with')
  if (!existsSync(tree)) {
    const make = (step: Step) =>
      makeOnce(tree, async unfinished => {
        await makeDebianTree(unfinished, NAME, step)
        forbidServices(unfinished)
        await installPackages(unfinished, PACKAGES, NAME, step)
      })
    await withCacheLocked(() => new Progress(1).step('PostgreSQL 18 to compare with', make))
  }
  return {
    root: tree,
    spawn: (program, args, options = {}) =>
      spawn(
        'chroot',
        [`--userspec=${ownsFiles(program) ? 'postgres' : 'root'}`, tree, resolve(PROGRAMS, program), ...args],
        {
          ...options,
          env: {
            PATH: '/usr/sbin:/usr/bin',
            LANG: 'C.UTF-8',
            PGSSLMODE: 'disable',
            PGGSSENCMODE: 'disable',
            ...options.env,
          },
        },
      ),
    makeDirectory(name) {
      const path = join(SCRATCH, name)
      rmSync(join(tree, path), { recursive: true, force: true })
      mkdirSync(join(tree, path), { recursive: true })
      spawnSync('chroot', [tree, 'chown', 'postgres', path])
      chmodSync(join(tree, path), 0o700)
      return path
    },
    removeDirectory: path => rmSync(join(tree, path), { recursive: true, force: true }),
  }
}

/** The same tree with pgbouncer in it, which is started by this path. */
export async function getPooler(): Promise<{ tree: NativeTree; pgbouncer: string }> {
  const tree = await getNativeTree()
  if (!existsSync(join(tree.root, POOLER))) {
    const install = (step: Step) => installPackages(tree.root, ['pgbouncer'], 'pgbouncer', step)
    await withCacheLocked(() => new Progress(1).step('pgbouncer', install))
  }
  return { tree, pgbouncer: POOLER }
}

/** Whether a program works on a data directory, which belongs to `postgres`. */
function ownsFiles(program: string): boolean {
  return (
    /^(postgres|initdb|pg_(checksums|combinebackup|controldata|rewind|verifybackup|waldump))$/.test(
      basename(program),
    ) || program === POOLER
  )
}

/** Debian's package makes a cluster and starts it when it is installed; here it must do neither. */
function forbidServices(tree: string): void {
  writeExecutable(join(tree, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n')
  mkdirSync(join(tree, 'etc/postgresql-common/createcluster.d'), { recursive: true })
  writeFileSync(
    join(tree, 'etc/postgresql-common/createcluster.d/none.conf'),
    'create_main_cluster = false\n',
  )
  // It insists on /proc, which is not mounted, and makes only folders for services.
  const tmpfiles = '/usr/bin/systemd-tmpfiles'
  spawnSync('chroot', [tree, 'dpkg-divert', '--local', '--rename', '--add', tmpfiles])
  writeExecutable(join(tree, tmpfiles), '#!/bin/sh\n')
}

function writeExecutable(path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}
