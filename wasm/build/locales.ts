/**
 * glibc's locales: their sources, from Debian's package of them, and what glibc's own localedef makes of these: the order of strings
 * and the types of characters, of each kind that there is, in UTF-8. Most languages share one order.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fetchPin } from './archive.js'
import { hashOf } from './hash.js'
import { LocaleSources } from './locale-source.js'
import { makeOnce, removeOldSiblings } from './once.js'
import { logFile } from './paths.js'
import { pinOfPackage } from './pins.js'
import type { Step } from './progress.js'
import type { Toolchain } from './toolchain.js'

/** Debian's package of their sources. */
export const LOCALES_PACKAGE = 'locales'

/** The locale whose order and types of characters most others share. */
export const COMMON = 'en_US'

/** A locale that is left out: the table for its order by strokes, which no other has, would be as large as all others together. */
const LEFT_OUT = ['cmn_TW']

export interface Locales {
  readonly sources: LocaleSources
  /** "2.43" */
  readonly glibc: string
  /** The folder of compiled locales, as the compiler sees it: `en_US/LC_COLLATE`. */
  readonly compiled: string
  /** For each locale, the compiled locale that has the same order, and the one that has the same types of characters. */
  readonly collations: ReadonlyMap<string, string>
  readonly types: ReadonlyMap<string, string>
}

export async function getLocales(toolchain: Toolchain, step: Step): Promise<Locales> {
  const pin = pinOfPackage(LOCALES_PACKAGE)
  const folder = `${toolchain.work}/locales-${hashOf(JSON.stringify(pin))}`
  await makeOnce(toolchain.outside(folder), () => unpack(toolchain, `${folder}.unfinished`))
  removeOldSiblings(toolchain.outside(folder), 2)

  const sources = new LocaleSources(toolchain.outside(`${folder}/usr/share/i18n`))
  const names = [COMMON, ...new Set(sources.supported().map(({ source }) => source))].filter(
    name => !LEFT_OUT.includes(name),
  )
  const collations = representatives(names, name => sources.section(name, 'LC_COLLATE').join('\n'))
  const types = representatives(names, name => sources.types(name))
  const wanted = [...new Set([...collations.values(), ...types.values()])].sort()
  const compiled = `${folder}/compiled-${hashOf(...wanted)}`
  const reused = await makeOnce(toolchain.outside(compiled), () =>
    compile(toolchain, `${folder}/usr/share/i18n`, wanted, `${compiled}.unfinished`, step),
  )
  const glibc = /^[\d.]+/.exec(pin.version)![0]
  step.detail(
    `glibc ${glibc}, ${new Set(collations.values()).size} orders${reused ? ', from the cache' : ''}`,
  )
  return { sources, glibc, compiled, collations, types }
}

/** For each name, the first name with the same value. */
function representatives(names: readonly string[], what: (name: string) => string): Map<string, string> {
  const first = new Map<string, string>()
  return new Map(
    names.map(name => {
      const key = what(name)
      if (!first.has(key)) first.set(key, name)
      return [name, first.get(key)!]
    }),
  )
}

async function unpack(toolchain: Toolchain, folder: string): Promise<void> {
  const pin = pinOfPackage(LOCALES_PACKAGE)
  const [file] = await fetchPin(toolchain.root, LOCALES_PACKAGE, pin, folder)
  await toolchain.run(['dpkg-deb', '--extract', file!, folder], {
    log: logFile('locales-extract'),
    doing: 'unpack the sources of locales',
  })
  rmSync(toolchain.outside(file!))
}

async function compile(
  toolchain: Toolchain,
  sources: string,
  names: readonly string[],
  folder: string,
  step: Step,
): Promise<void> {
  mkdirSync(toolchain.outside(folder), { recursive: true })
  let next = 0
  const worker = async () => {
    for (let i = next++; i < names.length; i = next++) {
      step.detail(`${i + 1} of ${names.length}`)
      const command = [
        'localedef',
        '--no-archive',
        '--force',
        '--no-warnings=ascii',
        '-i',
        names[i]!,
        '-f',
        'UTF-8',
      ]
      await toolchain.run([...command, `${folder}/${names[i]}`], {
        env: { I18NPATH: sources },
        log: logFile(`localedef-${names[i]}`),
        doing: `compile the locale ${names[i]}`,
      })
      for (const name of readdirSync(toolchain.outside(`${folder}/${names[i]}`)))
        if (name !== 'LC_COLLATE' && name !== 'LC_CTYPE')
          rmSync(toolchain.outside(`${folder}/${names[i]}/${name}`), { recursive: true })
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
}
