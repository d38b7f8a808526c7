/**
 * PostgreSQL's source: Debian's `postgresql-18` source package with the patches in c/patches applied.
 *
 * Patches are applied with no fuzz to copies of the files they touch, and only what comes out different is written into
 * the source tree. So a patch that does not fit changes nothing, and make recompiles only what a changed patch affects.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BuildFailure } from './failure.js'
import { hashOf, hashOfFiles } from './hash.js'
import { makeOnce, removeOldSiblings } from './once.js'
import { logFile, repository } from './paths.js'
import { pinOfSource } from './pins.js'
import type { Step } from './progress.js'
import { extractSource } from './source-package.js'
import type { Toolchain } from './toolchain.js'

/** Debian's source package. */
export const POSTGRESQL = 'postgresql-18'
const PATCHES = join(repository, 'c', 'patches')

export interface Source {
  /** The patched tree, as the compiler sees it. */
  folder: string
  /** "18.6" */
  version: string
  /** Debian's version of the package: "18.6-3". */
  packageVersion: string
}

/** Fetches the source once, and applies the patches to it as they are now. */
export async function getSource(toolchain: Toolchain, step: Step): Promise<Source> {
  const pin = pinOfSource(POSTGRESQL)
  const folder = `${toolchain.work}/${POSTGRESQL}-${hashOf(JSON.stringify(pin))}`
  const reused = await makeOnce(toolchain.outside(folder), async outside => {
    await extractSource(toolchain, POSTGRESQL, `${folder}.unfinished`, 'pristine')
    const [pristine, source] = [join(outside, 'pristine'), join(outside, 'source')]
    cpSync(pristine, source, { recursive: true, preserveTimestamps: true })
  })
  removeOldSiblings(toolchain.outside(folder), 2)
  const patches = await applyPatches(toolchain, folder)
  const version = pin.version.replace(/-[^-]*$/, '')
  step.detail(`${version}, ${patches} patches${reused ? ', from the cache' : ''}`)
  return { folder: `${folder}/source`, version, packageVersion: pin.version }
}

/** The names of the patches, in the order they are applied. */
function patchNames(): string[] {
  return readdirSync(PATCHES)
    .filter(name => name.endsWith('.patch'))
    .sort()
}

/** Changes when a patch does. */
export function hashOfPatches(): string {
  return hashOfFiles(PATCHES, patchNames())
}

async function applyPatches(toolchain: Toolchain, folder: string): Promise<number> {
  const outside = toolchain.outside(folder)
  const names = patchNames()
  const texts = names.map(name => readFileSync(join(PATCHES, name), 'utf8'))

  const record = join(outside, 'patched-files.json')
  const before: { hash?: string; files: string[] } = existsSync(record)
    ? JSON.parse(readFileSync(record, 'utf8'))
    : { files: [] }
  const hash = hashOf(...texts)
  if (before.hash === hash) return names.length

  const files = filesTouchedBy(texts)
  const trial = join(outside, 'trial')
  rmSync(trial, { recursive: true, force: true })
  mkdirSync(trial)
  for (const file of files) copyIfExists(join(outside, 'pristine', file), join(trial, file))
  for (const [index, name] of names.entries()) {
    const patch = join(trial, '.patch')
    writeFileSync(patch, texts[index]!)
    await toolchain.run(['patch', '-p1', '-F0', '--no-backup-if-mismatch', '-i', '.patch'], {
      cwd: `${folder}/trial`,
      log: logFile('patch'),
      doing: `apply c/patches/${name} to PostgreSQL's source; the patch has to be brought up to date`,
    })
    rmSync(patch)
  }

  // From here on the record says that any of these files may differ from the pristine ones, until all is in place.
  const all = [...new Set([...before.files, ...files])]
  writeFileSync(record, JSON.stringify({ files: all }))
  for (const file of all) {
    const wanted = [join(trial, file), join(outside, 'pristine', file)].find(path => existsSync(path))
    replaceIfDifferent(wanted, join(outside, 'source', file))
  }
  rmSync(trial, { recursive: true })
  writeFileSync(record, JSON.stringify({ hash, files }))
  return names.length
}

/** The files named in the headers of the patches, relative to PostgreSQL's source. */
function filesTouchedBy(patches: string[]): string[] {
  const names = patches.flatMap(text =>
    [...text.matchAll(/^(?:---|\+\+\+) [ab]\/(\S+)/gm)].map(match => match[1]!),
  )
  if (patches.length > 0 && names.length === 0)
    throw new BuildFailure('the patches in c/patches name no file')
  return [...new Set(names)]
}

function copyIfExists(from: string, to: string): void {
  if (!existsSync(from)) return
  mkdirSync(dirname(to), { recursive: true })
  cpSync(from, to)
}

/** Keeps the modification time where the content is the same, for make. Without a wanted file, removes. */
function replaceIfDifferent(wanted: string | undefined, path: string): void {
  if (wanted === undefined) {
    rmSync(path, { force: true })
    return
  }
  const content = readFileSync(wanted)
  if (existsSync(path) && readFileSync(path).equals(content)) return
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content)
}
