/**
 * pins.json: the version of each Debian package that the build uses, and the SHA-256 of its files. `npm run
 * inputs:check` compares them with Debian's archive, `npm run inputs:update` moves them (inputs.ts).
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildFailure } from './failure.js'
import { repository } from './paths.js'

const FILE = join(repository, 'wasm', 'build', 'pins.json')

/** A package of one version. */
export interface Pin {
  /** Debian's version: "1.10.0-4". */
  version: string
  /** SHA-256 of its files, by their paths in Debian's archive: "pool/main/l/lz4/lz4_1.10.0-4.dsc". */
  files: Record<string, string>
}

export interface Pins {
  /** Source packages: PostgreSQL, libraries, extensions. */
  sources: Record<string, Pin>
  /** Other packages whose files are taken: glibc's locales. */
  packages: Record<string, Pin>
  /** The packages whose programs and headers make the output, by the machine's architecture ("amd64") and by name. */
  toolchain: Record<string, Record<string, Pin>>
}

export function readPins(): Pins {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Pins
}

export function writePins({ sources, packages, toolchain }: Pins): void {
  const sorted = <T>(record: Record<string, T>) =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
  const architectures = Object.entries(toolchain).map(([name, pins]) => [name, sorted(pins)] as const)
  const pins: Pins = {
    sources: sorted(sources),
    packages: sorted(packages),
    toolchain: sorted(Object.fromEntries(architectures)),
  }
  writeFileSync(FILE, `${JSON.stringify(pins, null, 2)}\n`)
}

/** The pin of a source package. */
export function pinOfSource(name: string): Pin {
  return pinIn(readPins().sources, `the source package ${name}`, name)
}

/** That of a package which is neither that nor a part of the toolchain. */
export function pinOfPackage(name: string): Pin {
  return pinIn(readPins().packages, `the package ${name}`, name)
}

function pinIn(pins: Record<string, Pin>, what: string, name: string): Pin {
  const pin = pins[name]
  if (pin === undefined)
    throw new BuildFailure(
      `wasm/build/pins.json does not name ${what}: "npm run inputs:update -- ${name}" adds it`,
    )
  return pin
}

/** The pins of the toolchain for an architecture, as dpkg names it. */
export function pinsOfToolchain(architecture: string): Record<string, Pin> {
  const pins = readPins().toolchain[architecture]
  if (pins === undefined)
    throw new BuildFailure(
      `wasm/build/pins.json has no toolchain for ${architecture}: "npm run inputs:update -- toolchain" adds it`,
    )
  return pins
}
