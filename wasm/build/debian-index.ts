/**
 * Finds out which versions Debian's archive has, by apt in a Debian tree of its own. That tree has nothing but apt, so it can be made even
 * when the pinned compiler is no longer available.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mirrorsOf } from './archive.js'
import { inTree, makeDebianTree, RELEASE } from './debian-tree.js'
import { BuildFailure } from './failure.js'
import { hashOf } from './hash.js'
import { makeOnce } from './once.js'
import { cache, logFile } from './paths.js'
import type { Pin } from './pins.js'
import { run } from './process.js'
import type { Step } from './progress.js'
import { PACKAGES } from './toolchain.js'

/** A second release whose source packages can be pinned; it keeps its versions for years. */
const STABLE = 'trixie'

/** The source packages, by their folder in the archive, whose programs and headers make the output. */
const MAKES_OUTPUT = /\/(emscripten|binaryen|llvm-toolchain-\d+|bison|flex)\/[^/]+$/

export interface DebianIndex {
  /** Root of the tree. */
  root: string
  /** All versions of a source package, the newest first. */
  sources(name: string): Pin[]
  /** All versions of a package that is the same on every architecture, the newest first. */
  packages(name: string): Pin[]
  /** Of the toolchain, what makes the output, in the newest versions. */
  toolchain(): Record<string, Pin>
  /** Whether one version is newer than another, as Debian orders them. */
  isNewer(version: string, than: string): boolean
}

/** Brings the index up to date, and makes the tree the first time. */
export async function getDebianIndex(step: Step): Promise<DebianIndex> {
  const root = join(cache, `index-${hashOf(RELEASE, STABLE)}`)
  await makeOnce(root, async unfinished => {
    await makeDebianTree(unfinished, 'index', step)
    const list = join(unfinished, 'etc/apt/sources.list')
    const binary = readFileSync(list, 'utf8')
    const source = binary.replace(/^deb /gm, 'deb-src ')
    writeFileSync(list, binary + source + source.replaceAll(RELEASE, STABLE))
  })
  step.detail("fetch Debian's index")
  await run(inTree(root, ['apt-get', 'update']), {
    log: logFile('index-update'),
    doing: "fetch Debian's index (is the network reachable?)",
  })
  const isNewer = (version: string, than: string) =>
    spawnSync('chroot', [root, 'dpkg', '--compare-versions', version, 'gt', than]).status === 0
  const newestFirst = (pins: Pin[]) =>
    pins.sort((a, b) => Number(isNewer(b.version, a.version)) - Number(isNewer(a.version, b.version)))
  return {
    root,
    isNewer,
    sources: name => newestFirst(readSources(ask(root, 'apt-cache', 'showsrc', '--only-source', name))),
    packages: name => newestFirst(readPackages(ask(root, 'apt-cache', 'show', name))),
    toolchain: () => {
      const install = ['-o', 'Acquire::ForceHash=sha256', '-o', 'APT::Install-Recommends=false', 'install']
      const uris = ask(root, 'apt-get', '-y', '--print-uris', ...install, ...PACKAGES)
      return readUris(uris, mirrorsOf(root), name => versionOf(root, name))
    },
  }
}

function ask(root: string, ...command: string[]): string {
  const [program, ...args] = inTree(root, command)
  const { stdout, stderr, status } = spawnSync(program!, args, {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    maxBuffer: 1 << 26,
  })
  if (status !== 0) throw new BuildFailure(`${command.join(' ')} failed: ${stderr}`)
  return stdout
}

/** Paragraphs with the fields Version, Directory, and Checksums-Sha256: a line for each file with hash, size and name. */
export function readSources(text: string): Pin[] {
  const pins = new Map<string, Pin>()
  for (const paragraph of text.split(/\n\n+/)) {
    const version = /^Version: (.*)$/m.exec(paragraph)?.[1]
    const directory = /^Directory: (.*)$/m.exec(paragraph)?.[1]
    const checksums = /^Checksums-Sha256:.*\n((?: .*(?:\n|$))+)/m.exec(paragraph)?.[1]
    if (version === undefined || directory === undefined || checksums === undefined) continue
    const files = [...checksums.matchAll(/^ (\w+) \d+ (\S+)$/gm)].map(([, hash, name]) => [
      `${directory}/${name}`,
      hash!,
    ])
    pins.set(version, { version, files: Object.fromEntries(files) })
  }
  return [...pins.values()]
}

/** Paragraphs with the fields Version, Filename and SHA256. */
export function readPackages(text: string): Pin[] {
  return text.split(/\n\n+/).flatMap(paragraph => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1]
    const [version, file, sha256] = [field('Version'), field('Filename'), field('SHA256')]
    if (version === undefined || file === undefined || sha256 === undefined) return []
    return [{ version, files: { [file]: sha256 } }]
  })
}

/** Lines of `apt-get --print-uris`: 'URI' NAME_VERSION_ARCHITECTURE.deb SIZE SHA256:HASH */
function readUris(
  text: string,
  mirrors: readonly string[],
  versionOf: (name: string) => string,
): Record<string, Pin> {
  const pins: Record<string, Pin> = {}
  for (const [, uri, name, sha256] of text.matchAll(/^'(\S+)' ([^_\s]+)_\S+ \d+ SHA256:(\w+)$/gm)) {
    const mirror = mirrors.find(mirror => uri!.startsWith(mirror))
    if (mirror === undefined || !MAKES_OUTPUT.test(uri!)) continue
    const path = decodeURIComponent(uri!.slice(mirror.length)).replace(/^\//, '')
    pins[name!] = { version: versionOf(name!), files: { [path]: sha256! } }
  }
  if (pins.emscripten === undefined)
    throw new BuildFailure(`Debian ${RELEASE} has no package "emscripten" at present`)
  return pins
}

function versionOf(root: string, name: string): string {
  return /^Version: (.*)$/m.exec(ask(root, 'apt-cache', 'show', '--no-all-versions', name))![1]!
}
