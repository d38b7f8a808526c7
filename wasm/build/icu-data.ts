/**
 * Takes the part of ICU's data that PostgreSQL uses out of the file with all data in ICU's source, and writes it in the same format.
 * c/icu/data-file.cpp reads single items of that file.
 *
 * The format: the length of a header in 16 bits, the header, and a table of contents: the number of items, and for each the
 * offsets of its name and its content from the table's beginning, in the order of names. Then names, then contents.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringIn } from './c-header.js'
import { BuildFailure } from './failure.js'
import type { CompiledLibrary } from './library-objects.js'
import type { Toolchain } from './toolchain.js'

/** Where the file is in wasm/dist/. */
export const ICU_DATA = `share/${stringIn('icu/data-file.h', 'ICU_DATA_FILE')}`

/** The converters of the server encodings that PostgreSQL has ICU's name of (src/common/encnames.c), beside those that are code. */
const CONVERTERS = [
  ...['euc-jp-2007', 'ibm-1383_P110-1999', 'ibm-970_P110_P110-2006_U2', 'euc-tw-2014'], // EUC-JP, -CN, -KR, -TW
  ...['ibm-912_P100-1995', 'ibm-913_P100-2000', 'ibm-914_P100-1995', 'ibm-915_P100-1995'], // ISO-8859-2 to 5
  ...['ibm-1089_P100-1995', 'ibm-9005_X110-2007', 'ibm-5012_P100-1999', 'ibm-920_P100-1995'], // to 9
  ...['iso-8859_10-1998', 'ibm-921_P100-1995', 'iso-8859_14-1998', 'ibm-923_P100-1998'], // 10, 13, 14, 15
  ...['ibm-5346_P100-1998', 'ibm-5347_P100-1998', 'ibm-5348_P100-1997', 'ibm-5349_P100-1998'], // CP1250 to 1253
  ...['ibm-5350_P100-1998', 'ibm-9447_P100-2002', 'ibm-9448_X100-2005', 'ibm-9449_P100-2002'], // to 1257
  ...['ibm-5354_P100-1998', 'ibm-866_P100-1995'], // CP1258, CP866
  ...['ibm-878_P100-1996', 'ibm-1168_P100-2002'], // KOI8-R, KOI8-U
]

/**
 * The collations of all languages; rules for words, for initcap(); the names of languages and countries in
 * English, for the comments of collations; and the tables that lead from a locale to these.
 */
const ITEMS = [
  /^coll\//,
  /^brkitr\/((root|en|en_US|en_US_POSIX|res_index)\.res|word(_POSIX)?\.brk)$/,
  /^(lang|region)\/(root|en|pool|res_index)\.res$/,
  /^(root|en|pool|res_index|icuver|supplementalData|likelySubtags|langInfo|keyTypeData|metadata|numberingSystems|timezoneTypes)\.res$/,
  /^cnvalias\.icu$/,
]

/** Of a content. */
const ALIGNMENT = 16

/** Writes the file `to`. */
export function writeIcuData(toolchain: Toolchain, libraries: readonly CompiledLibrary[], to: string): void {
  const { source } = libraries.find(({ library }) => library.name === 'icu')!
  const place = toolchain.outside(`${source}/source/data/in`)
  const file = readdirSync(place).find(name => /^icudt\d+l\.dat$/.test(name))
  if (file === undefined) throw new BuildFailure(`ICU's source has no data in ${place}`)
  writeFileSync(to, subset(readFileSync(join(place, file)), file))
}

function subset(data: Buffer, file: string): Buffer {
  const wanted = readItems(data).filter(({ name }) => isWanted(name.slice(name.indexOf('/') + 1)))
  for (const converter of CONVERTERS)
    if (!wanted.some(({ name }) => name.endsWith(`/${converter}.cnv`)))
      throw new BuildFailure(`${file} has no converter ${converter}`)
  const header = data.subarray(0, data.readUInt16LE(0))
  const names = Buffer.from(wanted.map(({ name }) => `${name}\0`).join(''))
  const table = Buffer.alloc(4 + 8 * wanted.length)
  const beforeContents = aligned(table.length + names.length)
  const contents: Buffer[] = []
  let name = table.length
  let content = beforeContents
  table.writeUInt32LE(wanted.length)
  wanted.forEach((item, i) => {
    table.writeUInt32LE(name, 4 + 8 * i)
    table.writeUInt32LE(content, 8 + 8 * i)
    name += item.name.length + 1
    contents.push(item.content, Buffer.alloc(aligned(item.content.length) - item.content.length))
    content += aligned(item.content.length)
  })
  const gap = Buffer.alloc(beforeContents - table.length - names.length)
  return Buffer.concat([header, table, names, gap, ...contents])
}

interface Item {
  /** "icudt78l/coll/de.res" */
  name: string
  content: Buffer
}

function readItems(data: Buffer): Item[] {
  const table = data.subarray(data.readUInt16LE(0))
  const count = table.readUInt32LE(0)
  const offset = (item: number, field: number) => table.readUInt32LE(4 + 8 * item + 4 * field)
  return Array.from({ length: count }, (_, item) => {
    const name = offset(item, 0)
    const end = item + 1 < count ? offset(item + 1, 1) : table.length
    return {
      name: table.toString('latin1', name, table.indexOf(0, name)),
      content: table.subarray(offset(item, 1), end),
    }
  })
}

const isWanted = (name: string) =>
  ITEMS.some(item => item.test(name)) || CONVERTERS.some(converter => name === `${converter}.cnv`)

const aligned = (size: number) => Math.ceil(size / ALIGNMENT) * ALIGNMENT
