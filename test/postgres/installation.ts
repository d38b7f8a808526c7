/**
 * Where a run of the suites takes place: a folder of its own in the Debian tree that has PostgreSQL's native programs
 * (bench/native-tree.ts). Node and a copy of the built package are put there, and so the server, the programs that test it,
 * and the scripts that drive both, see the same files under the same names, as the same user, without any mount.
 */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { getNativeTree } from '../../bench/native-tree.js'
import { BuildFailure } from '../../wasm/build/failure.js'
import { makeOnce, removeOldSiblings } from '../../wasm/build/once.js'
import { repository } from '../../wasm/build/paths.js'
import { Progress } from '../../wasm/build/progress.js'
import { getSource } from '../../wasm/build/source.js'
import { getToolchain } from '../../wasm/build/toolchain.js'

/** Folders of PostgreSQL's source in which tests lie. */
const SOURCE_FOLDERS = ['src', 'contrib']

/** What of the package the server needs to run as npm installs it; `dist` also has what the build makes for tests. */
const PACKAGE_FILES = ['package.json', 'dist', 'wasm/dist']

/** Everything that runs in the tree runs as this user, which Debian's package makes: PostgreSQL refuses root. */
const USER = 'postgres'

/** Where Debian's libpq looks for a server. */
export const SOCKETS = '/var/run/postgresql'

export interface Installation {
  /** This run's folder. Paths without `outside` are as the programs in the tree see them. */
  readonly folder: string
  /** PostgreSQL's source as Debian has it: test scripts, expected results, schedules. */
  readonly source: string
  /** The package, with the modules for tests put in the places of loadable modules. */
  readonly package: string
  readonly node: string
  /** "v20.20.0" */
  readonly nodeVersion: string
  /** Native programs: psql, pg_dump, … */
  readonly programs: string
  /** PostgreSQL's extension building infrastructure: pg_regress and makefiles lie below. */
  readonly pgxs: string
  /** The same file as this process sees it. */
  outside(path: string): string
  /** Makes an empty folder that the user of the tests owns. */
  makeFolder(name: string): string
  /** Starts a program in the tree, with nothing of this process' environment. With `terminals` it can make some. */
  spawn(command: readonly string[], options?: SpawnOptions & { terminals?: boolean }): ChildProcess
  remove(): void
}

/** Makes the installation, with `node` as the Node that runs the server. Throws BuildFailure if it cannot. */
export async function install(node: string): Promise<Installation> {
  const tree = (await getNativeTree()).root
  const outside = (path: string) => join(tree, path)
  mkdirSync(outside('/suites'), { recursive: true })
  removeAbandoned(outside('/suites'))
  const folder = `/suites/run-${process.pid}`
  mkdirSync(outside(folder))
  spawnSync('chroot', [tree, 'install', '-d', `--owner=${USER}`, SOCKETS])

  const installation: Installation = {
    folder,
    source: await copySource(tree),
    package: `${folder}/package`,
    node: `${folder}/node`,
    nodeVersion: '',
    programs: '/usr/lib/postgresql/18/bin',
    pgxs: '/usr/lib/postgresql/18/lib/pgxs',
    outside,
    makeFolder(name) {
      const path = `${folder}/${name}`
      rmSync(outside(path), { recursive: true, force: true })
      mkdirSync(outside(path), { recursive: true })
      spawnSync('chroot', [tree, 'chown', USER, path])
      chmodSync(outside(path), 0o700)
      return path
    },
    spawn(command, { terminals = false, ...options } = {}) {
      const chroot = ['chroot', `--userspec=${USER}:${USER}`, tree, ...command]
      const [program, ...args] = terminals ? [...withTerminals(tree), ...chroot] : chroot
      return spawn(program!, args, {
        ...options,
        env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...options.env },
      })
    },
    remove: () => rmSync(outside(folder), { recursive: true, force: true }),
  }
  process.on('exit', installation.remove)
  copyPackage(outside(installation.package))
  return { ...installation, nodeVersion: copyNode(tree, node, installation.node) }
}

/** Runs what follows with pseudo terminals in the tree, which only it sees; where nothing can be mounted, without. */
function withTerminals(tree: string): string[] {
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return []
  const mount = `mount -t devpts -o newinstance,ptmxmode=0666 devpts ${tree}/dev/pts 2> /dev/null; exec "$@"`
  // /dev/ptmx finds the terminals beside it.
  return ['unshare', '--mount', 'sh', '-c', mount, 'sh']
}

/** A copy of the source, made once for each version, that nothing is written to. */
async function copySource(tree: string): Promise<string> {
  const progress = new Progress(2)
  const toolchain = await progress.step('toolchain', getToolchain)
  const source = await progress.step('PostgreSQL source', step => getSource(toolchain, step))
  const path = `/suites/source-${source.packageVersion.replaceAll('-', '_')}`
  await makeOnce(join(tree, path), async unfinished => {
    const pristine = toolchain.outside(join(source.folder, '..', 'pristine'))
    for (const name of SOURCE_FOLDERS)
      cpSync(join(pristine, name), join(unfinished, name), { recursive: true })
  })
  removeOldSiblings(join(tree, path), 1)
  return path
}

function copyPackage(target: string): void {
  for (const name of PACKAGE_FILES) cpSync(join(repository, name), join(target, name), { recursive: true })
  const dependencies = new Set<string>()
  collectDependencies(repository, dependencies)
  for (const path of dependencies)
    cpSync(path, join(target, path.slice(repository.length)), { recursive: true })

  // As if they had been installed with the others.
  const dist = join(target, 'wasm', 'dist')
  for (const name of ['lib', 'share']) cpSync(join(dist, 'test', name), join(dist, name), { recursive: true })
  cpSync(join(dist, 'test', 'kernel-asserting.wasm'), join(dist, 'kernel.wasm'))
  rmSync(join(dist, 'test'), { recursive: true })
}

/** Adds the folders of the packages that one depends on at run time. */
function collectDependencies(of: string, found: Set<string>): void {
  const { dependencies = {} } = JSON.parse(readFileSync(join(of, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
  }
  for (const name of Object.keys(dependencies)) {
    const places = [of, repository].map(folder => join(folder, 'node_modules', name))
    const path = places.find(place => existsSync(place))
    if (path === undefined) throw new BuildFailure(`the package ${name} is not installed: run "npm ci"`)
    if (found.has(path)) continue
    found.add(path)
    collectDependencies(path, found)
  }
}

/** Returns its version. */
function copyNode(tree: string, node: string, target: string): string {
  cpSync(node, join(tree, target), { dereference: true })
  chmodSync(join(tree, target), 0o755)
  const { status, stdout, stderr } = spawnSync('chroot', [tree, target, '--version'], { encoding: 'utf8' })
  if (status !== 0)
    throw new BuildFailure(
      `${node} does not run in the Debian tree: name one as nodejs.org has it by --node\n${stderr}`,
    )
  return stdout.trim()
}

/** Removes what runs that were killed have left. */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(folder)) {
    const owner = /^run-(\d+)$/.exec(name)?.[1]
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      rmSync(join(folder, name), { recursive: true, force: true })
  }
}
