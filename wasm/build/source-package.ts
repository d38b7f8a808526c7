/**
 * Debian's source packages of what is linked beside PostgreSQL: libraries, and extensions that are no part of it.
 *
 * A mirror may not have every file that its index names: one in the middle of an update, or one that keeps only what is asked
 * for. So older versions in the index are tried too, those of the stable release included, and then the tarball of upstream
 * alone, without Debian's changes. Whatever is taken, apt has checked against the signed index.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildFailure } from './failure.js'
import { makeOnce } from './once.js'
import { logFile } from './paths.js'
import type { Toolchain } from './toolchain.js'

/** A release whose versions do as well, because every mirror has all of it. */
const STABLE = 'trixie'

export interface SourcePackage {
  /** The tree, as the compiler sees it. */
  folder: string
  /** Debian's version: "1.10.0-10". */
  version: string
}

/** Fetches a package once; later calls find it in the cache. */
export async function getSourcePackage(toolchain: Toolchain, name: string): Promise<SourcePackage> {
  const folder = `${toolchain.work}/sources/${name}`
  await makeOnce(toolchain.outside(folder), unfinished =>
    download(toolchain, name, unfinished, `${folder}.unfinished`),
  )
  const version = readFileSync(toolchain.outside(`${folder}/version`), 'utf8')
  return { folder: `${folder}/source`, version }
}

async function download(toolchain: Toolchain, name: string, outside: string, folder: string): Promise<void> {
  const run = (step: string, ...command: string[]) =>
    toolchain.run(command, {
      cwd: folder,
      log: logFile(`source-${name}-${step}`),
      doing: `get the source package ${name} (is the network reachable?)`,
    })
  await updateIndex(toolchain, run)
  const index = await run('versions', 'apt-cache', 'showsrc', '--only-source', name)
  const versions = [...new Set([...index.matchAll(/^Version: (.*)$/gm)].map(match => match[1]!))]
  versions.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
  const attempts = [[], ['--tar-only']].flatMap(options => versions.map(version => ({ options, version })))
  for (const { options, version } of attempts) {
    try {
      await run(
        'download',
        ...['apt-get', 'source', '--download-only', '--only-source', ...options, `${name}=${version}`],
      )
    } catch (error) {
      if (!(error instanceof BuildFailure)) throw error
      for (const file of readdirSync(outside)) rmSync(join(outside, file), { recursive: true })
      continue
    }
    const description = readdirSync(outside).find(file => file.endsWith('.dsc'))
    if (options.length === 0)
      await run('extract', 'dpkg-source', '--no-check', '--extract', description!, 'source')
    else await extractTarball(outside, run)
    for (const file of readdirSync(outside)) if (file !== 'source') rmSync(join(outside, file))
    writeFileSync(join(outside, 'version'), version)
    return
  }
  throw new BuildFailure(
    `Debian's mirror has no source package ${name}, versions ${versions.join(', ') || 'unknown'}: ` +
      `see ${logFile(`source-${name}-download`)}`,
  )
}

type Run = (step: string, ...command: string[]) => Promise<string>

/** Adds the stable release, once in a tree. A machine's own lists are its owner's. */
async function updateIndex({ root }: Toolchain, run: Run): Promise<void> {
  const list = join(root, 'etc/apt/sources.list.d/stable.list')
  if (root === '' || existsSync(list)) return
  const main = readFileSync(join(root, 'etc/apt/sources.list'), 'utf8')
  const [, mirror, components] = /^deb-src (\S+) \S+ (.*)$/m.exec(main)!
  writeFileSync(list, `deb-src ${mirror} ${STABLE} ${components}\n`)
  try {
    await run('update', 'apt-get', 'update')
  } catch (error) {
    rmSync(list)
    throw error
  }
}

async function extractTarball(outside: string, run: Run): Promise<void> {
  const tarball = readdirSync(outside).find(file => file.includes('.orig.tar.'))!
  mkdirSync(join(outside, 'extracted'))
  await run('extract', 'tar', '--no-same-owner', '-xf', tarball, '-C', 'extracted')
  const [top] = readdirSync(join(outside, 'extracted'))
  renameSync(join(outside, 'extracted', top!), join(outside, 'source'))
  rmSync(join(outside, 'extracted'), { recursive: true })
}
