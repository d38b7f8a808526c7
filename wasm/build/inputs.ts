/**
 * `npm run inputs:check`: says which versions of the build's inputs Debian has beside those that pins.json names.
 *
 * `npm run inputs:update`: moves the pins to the newest versions that can be downloaded; `-- NAME` only that source
 * package's (or `toolchain`), `-- NAME=VERSION` to that version, an older one too.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fetchPin, NotInArchive } from './archive.js'
import { type DebianIndex, getDebianIndex } from './debian-index.js'
import { EXTENSION_PACKAGES } from './extensions.js'
import { BuildFailure } from './failure.js'
import { LIBRARIES } from './libraries.js'
import { LOCALES_PACKAGE } from './locales.js'
import { withCacheLocked } from './lock.js'
import { type Pin, readPins, writePins } from './pins.js'
import { Progress } from './progress.js'
import { POSTGRESQL } from './source.js'
import { architecture } from './toolchain.js'

const TOOLCHAIN = 'toolchain'
const USAGE = 'usage: npm run inputs:check\n       npm run inputs:update [-- NAME[=VERSION]...]'

/** The source packages that the build asks for. */
const SOURCES = [
  POSTGRESQL,
  ...LIBRARIES.flatMap(library => library.package ?? []),
  ...EXTENSION_PACKAGES.map(extension => extension.package),
].sort()

/** The packages beside the toolchain whose files it takes. */
const BINARIES = [LOCALES_PACKAGE]

/** Packages whose versions can be chosen one by one. */
const CHOSEN = { sources: SOURCES, packages: BINARIES } as const
type Kind = keyof typeof CHOSEN

function check(index: DebianIndex): void {
  const pins = readPins()
  for (const kind of Object.keys(CHOSEN) as Kind[])
    for (const name of CHOSEN[kind]) {
      const versions = index[kind](name)
      const pinned = pins[kind][name]
      const newer = versions.filter(
        ({ version }) => pinned === undefined || index.isNewer(version, pinned.version),
      )
      const gone = pinned !== undefined && !versions.some(({ version }) => version === pinned.version)
      report(name, pinned, newer[0], gone)
    }
  const { toolchain } = pins
  const pinned = toolchain[architecture] ?? {}
  const newest = index.toolchain()
  for (const name of namesIn(pinned, newest)) {
    const moved = newest[name]?.version !== pinned[name]?.version
    // A release has one version of a package at a time.
    report(`${TOOLCHAIN}: ${name}`, pinned[name], moved ? newest[name] : undefined, moved && name in pinned)
  }
}

function report(name: string, pinned: Pin | undefined, other: Pin | undefined, gone: boolean): void {
  const remarks = [
    pinned?.version ?? 'not pinned',
    ...(gone ? ["no longer in Debian's index"] : []),
    ...(other === undefined ? [] : [`there is ${other.version}`]),
  ]
  console.log(`${name.padEnd(36)} ${remarks.join('; ')}`)
}

async function update(index: DebianIndex, wanted: readonly string[]): Promise<void> {
  const names = wanted.length === 0 ? [...SOURCES, ...BINARIES, TOOLCHAIN] : wanted
  for (const word of names) {
    const [name = '', version] = word.split('=')
    if (name === TOOLCHAIN && version === undefined) await updateToolchain(index)
    else if (SOURCES.includes(name)) await updateOne(index, 'sources', name, version)
    else if (BINARIES.includes(name)) await updateOne(index, 'packages', name, version)
    else
      throw new BuildFailure(
        `the build has no input "${word}"; its inputs are ${[...SOURCES, ...BINARIES, TOOLCHAIN].join(', ')}`,
      )
  }
}

/** Tries the newest first: an index may name what the mirror does not have yet. */
async function updateOne(
  index: DebianIndex,
  kind: Kind,
  name: string,
  wanted: string | undefined,
): Promise<void> {
  const pins = readPins()
  const pinned = pins[kind][name]
  const suits = ({ version }: Pin) =>
    wanted === undefined ? pinned === undefined || index.isNewer(version, pinned.version) : version === wanted
  const candidates = index[kind](name).filter(suits)
  for (const pin of candidates) {
    if (!(await canBeFetched(index, { [name]: pin }))) continue
    writePins({ ...pins, [kind]: { ...pins[kind], [name]: pin } })
    console.log(`${name}: ${pinned?.version ?? 'not pinned'} -> ${pin.version}`)
    return
  }
  if (wanted !== undefined || pinned === undefined)
    throw new BuildFailure(
      `Debian's archive has no ${[name, wanted].filter(Boolean).join(' ')}; "npm run inputs:check" says what it has`,
    )
  console.log(`${name}: stays at ${pinned.version}`)
}

/** Moves all pins of the toolchain at once, because its packages fit each other only in the versions of one day. */
async function updateToolchain(index: DebianIndex): Promise<void> {
  const pins = readPins()
  const pinned = pins.toolchain[architecture] ?? {}
  const newest = index.toolchain()
  const moved = namesIn(pinned, newest).filter(name => newest[name]?.version !== pinned[name]?.version)
  if (moved.length === 0 || !(await canBeFetched(index, newest))) {
    console.log(`${TOOLCHAIN}: stays as it is`)
    return
  }
  writePins({ ...pins, toolchain: { ...pins.toolchain, [architecture]: newest } })
  for (const name of moved)
    console.log(
      `${TOOLCHAIN}: ${name}: ${pinned[name]?.version ?? 'none'} -> ${newest[name]?.version ?? 'none'}`,
    )
}

/** Downloads all files of the pins, which checks their SHA-256. */
async function canBeFetched(index: DebianIndex, pins: Record<string, Pin>): Promise<boolean> {
  const folder = '/download'
  const outside = join(index.root, folder)
  rmSync(outside, { recursive: true, force: true })
  mkdirSync(outside)
  try {
    for (const [name, pin] of Object.entries(pins)) await fetchPin(index.root, name, pin, folder)
    return true
  } catch (error) {
    if (!(error instanceof NotInArchive)) throw error
    console.log(error.message.split(/, which |; /)[0])
    return false
  } finally {
    rmSync(outside, { recursive: true })
  }
}

function namesIn(...records: object[]): string[] {
  return [...new Set(records.flatMap(record => Object.keys(record)))].sort()
}

try {
  const [command, ...names] = process.argv.slice(2)
  if (command !== 'check' && command !== 'update') throw new BuildFailure(USAGE)
  await withCacheLocked(async () => {
    const index = await new Progress(1).step("Debian's index", getDebianIndex)
    if (command === 'check') check(index)
    else await update(index, names)
  })
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error
  console.error(error.message)
  process.exitCode = 1
}
