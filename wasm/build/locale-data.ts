/**
 * Writes glibc's locales for the C library here: the file that c/locale/data.c reads, in the format of c/locale/file.h; and C sources
 * with what every process needs, the types of characters and glibc's version.
 */
import { cpSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { numberIn, stringIn } from './c-header.js'
import { type CharacterTypes, changesOf, characterTables, readCharacterTypes } from './character-types.js'
import { CODESETS, type Codeset, codesetPart, encoderOf, readCodeset } from './codeset.js'
import { type Collation, readCollation } from './collation.js'
import { BasicCollation } from './collation-part.js'
import { filesBelow, hashOf, hashOfFiles } from './hash.js'
import { type Encode, monetary, numeric, time } from './locale-conventions.js'
import type { SupportedLocale } from './locale-source.js'
import { COMMON, type Locales } from './locales.js'
import { makeOnce } from './once.js'
import type { GeneratedSource } from './own-objects.js'
import { repository } from './paths.js'
import type { Toolchain } from './toolchain.js'

/** Where the file is in wasm/dist/. */
export const LOCALE_DATA = `share/${stringIn('locale/file.h', 'LOCALES_FILE')}`

const UTF_8 = 'UTF-8'

const MAGIC = numberIn('locale/file.h', 'LOCALES_MAGIC')

/** C sources for c/locale/. */
export function generatedLocaleSources(toolchain: Toolchain, locales: Locales): GeneratedSource[] {
  const version = `#include "locale/version.h"\nconst char glibc_version[] = "${locales.glibc}";\n`
  const common = typesOf(toolchain, locales, COMMON)
  return [
    { path: `${toolchain.work}/generated/glibc-version.c`, text: version },
    { path: `${toolchain.work}/generated/character-tables.c`, text: characterTables(common) },
  ]
}

function typesOf(toolchain: Toolchain, { compiled }: Locales, name: string): CharacterTypes {
  return readCharacterTypes(toolchain.outside(`${compiled}/${name}/LC_CTYPE`))
}

/** The source files and headers that, beside the locales, determine the file's content. */
const RECIPE = /^(collation.*|character-types|codeset|locale.*)\.ts$/
const HEADERS = ['file.h', 'characters.h']

/** Writes the file into a folder of artefacts. It takes a minute to compute, so it is kept beside the compiled locales. */
export async function writeLocaleData(toolchain: Toolchain, locales: Locales, folder: string): Promise<void> {
  const place = join(repository, 'wasm', 'build')
  const recipe = hashOfFiles(
    place,
    filesBelow(place).filter(name => RECIPE.test(name)),
  )
  const format = hashOfFiles(join(repository, 'c', 'locale'), HEADERS)
  const kept = toolchain.outside(`${locales.compiled}.data-${hashOf(recipe, format)}`)
  await makeOnce(kept, async unfinished =>
    writeFileSync(join(unfinished, basename(LOCALE_DATA)), new LocaleFile(toolchain, locales).bytes()),
  )
  cpSync(join(kept, basename(LOCALE_DATA)), join(folder, LOCALE_DATA))
}

/** The offset of a part from the end of the index, and its size. */
type Part = readonly [at: number, size: number]
const NOTHING: Part = [0, 0]

class LocaleFile {
  readonly #parts: Buffer[] = []
  readonly #places = new Map<string, Part>()
  #end = 0
  readonly #texts: Buffer[] = []
  #textEnd = 0
  readonly #collations = new Map<string, Part>()
  readonly #types = new Map<string, Part>()
  readonly #codesets = new Map<string, Codeset>()
  readonly #basic: BasicCollation
  readonly #common: CharacterTypes

  constructor(
    readonly toolchain: Toolchain,
    readonly locales: Locales,
  ) {
    this.#basic = new BasicCollation(this.#collation(COMMON))
    this.#common = typesOf(toolchain, locales, COMMON)
    for (const name of CODESETS) this.#codesets.set(name, readCodeset(locales.sources.charmap(name)))
  }

  bytes(): Buffer {
    const { sources, collations } = this.locales
    const all = sources
      .supported()
      .filter(
        ({ source, charmap }) => collations.has(source) && (charmap === UTF_8 || this.#codesets.has(charmap)),
      )
    // Locale number 0 has the basic collation.
    all.sort((a, b) => Number(isCommon(b)) - Number(isCommon(a)))
    const named = new Map(all.flatMap(({ names }, i) => names.map(name => [name, i] as const)))
    const records = all.map(locale => this.#record(locale))
    const sorted = [...named].sort(([a], [b]) => (a < b ? -1 : 1))
    const names = sorted.flatMap(([name, locale]) => [this.#text(name), locale])
    const size = 16 + 4 * (names.length + records.flat(2).length)
    const texts = aligned(Buffer.concat([...this.#texts]))
    const end = size + texts.length
    const words = records.flatMap(([codeset, ...parts]) => [
      codeset,
      ...parts.flatMap(([at, size]) => (size === 0 ? [0, 0] : [at + end, size])),
    ])
    const header = [MAGIC, end, named.size, all.length]
    return Buffer.concat([
      Buffer.from(Uint32Array.from([...header, ...names, ...words]).buffer),
      texts,
      ...this.#parts,
    ])
  }

  /** struct locale_data. */
  #record({ source, charmap }: SupportedLocale): [codesetName: number, ...Part[]] {
    const { sources } = this.locales
    const codeset = this.#codesets.get(charmap)
    const encode: Encode = codeset === undefined ? text => Buffer.from(text) : encoderOf(codeset)
    return [
      this.#text(charmap),
      codeset === undefined ? NOTHING : this.#part(codesetPart(codeset)),
      this.#typesPart(source),
      this.#collationPart(source),
      ...[monetary, numeric, time].map(part => this.#part(part(sources, source, encode))),
    ]
  }

  #collation(name: string): Collation {
    return readCollation(this.toolchain.outside(`${this.locales.compiled}/${name}/LC_COLLATE`))
  }

  #collationPart(source: string): Part {
    const name = this.locales.collations.get(source)!
    const known = this.#collations.get(name)
    if (known !== undefined) return known
    const part = this.#part(
      name === COMMON
        ? this.#basic.part()
        : (this.#basic.difference(this.#collation(name)) ?? new BasicCollation(this.#collation(name)).part()),
    )
    this.#collations.set(name, part)
    return part
  }

  #typesPart(source: string): Part {
    const name = this.locales.types.get(source)!
    const part =
      this.#types.get(name) ??
      this.#part(changesOf(this.#common, typesOf(this.toolchain, this.locales, name)))
    this.#types.set(name, part)
    return part
  }

  /** The parts. Equal ones are written once. */
  #part(content: Buffer): Part {
    const key = content.toString('latin1')
    const known = this.#places.get(key)
    if (known !== undefined || content.length === 0) return known ?? NOTHING
    const padded = aligned(content)
    const part: Part = [this.#end, content.length]
    this.#parts.push(padded)
    this.#end += padded.length
    this.#places.set(key, part)
    return part
  }

  /** Adds a text. Returns its offset. */
  #text(text: string): number {
    const at = this.#textEnd
    this.#texts.push(Buffer.from(`${text}\0`))
    this.#textEnd += text.length + 1
    return at
  }
}

const isCommon = ({ source, charmap }: SupportedLocale) => source === COMMON && charmap === UTF_8

function aligned(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}
