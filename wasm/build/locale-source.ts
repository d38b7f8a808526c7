/**
 * The sources of glibc's locales, as its localedef reads them (locale(5)): a file for each locale, with a section for each
 * category, which may copy that of another locale.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { BuildFailure } from './failure.js'

/** Debian's list of locales: "de_DE.UTF-8 UTF-8", "de_DE ISO-8859-1", … */
export interface SupportedLocale {
  /** The name of its source: "de_DE@euro". */
  readonly source: string
  /** The name of its charmap: "ISO-8859-15". */
  readonly charmap: string
  /** The names under which glibc lists it: "de_DE@euro" and "de_DE.iso885915@euro"; only the latter if Debian's list names a codeset. */
  readonly names: readonly string[]
}

export class LocaleSources {
  readonly #sections = new Map<string, readonly string[]>()

  /** @param folder Debian's /usr/share/i18n */
  constructor(readonly folder: string) {}

  supported(): SupportedLocale[] {
    const lines = readFileSync(join(this.folder, 'SUPPORTED'), 'utf8').split('\n')
    return lines.flatMap(line => {
      const [, language, codeset, modifier = '', charmap = ''] =
        /^([^\s.@]+)(\.[^\s@]+)?(@\S+)? (\S+)$/.exec(line) ?? []
      // The C library needs no data for C.UTF-8.
      if (language === undefined || language === 'C') return []
      const source = language + modifier
      const whole = `${language}.${charmap.toLowerCase().replace(/[^a-z0-9]/g, '')}${modifier}`
      return [{ source, charmap, names: codeset === undefined ? [source, whole] : [whole] }]
    })
  }

  /** The lines of a category, without comments. If it is a copy of another locale's, that locale's lines. */
  section(locale: string, category: string): readonly string[] {
    const key = `${locale} ${category}`
    let lines = this.#sections.get(key)
    if (lines === undefined) {
      lines = this.#read(locale, category)
      const copied = lines.length === 1 ? /^copy\s+"(.*)"$/.exec(lines[0]!)?.[1] : undefined
      if (copied !== undefined) lines = this.section(copied, category)
      this.#sections.set(key, lines)
    }
    return lines
  }

  #read(locale: string, category: string): string[] {
    const text = readFileSync(join(this.folder, 'locales', locale), 'utf8')
    const escaping = /^escape_char\s+(\S)/m.exec(text)?.[1] ?? '\\'
    const comment = /^comment_char\s+(\S)/m.exec(text)?.[1] ?? '#'
    const [, section] = new RegExp(`^${category}\\s*\\n([^]*?)^END ${category}`, 'm').exec(text) ?? []
    if (section === undefined) throw new BuildFailure(`the locale ${locale} has no ${category}`)
    const joined = withoutComments(section, escaping, comment)
    return joined
      .replaceAll(escaping + escaping, escaping)
      .split('\n')
      .map(line => line.trim())
      .filter(line => line !== '')
  }

  /**
   * The lines that say which types characters have, as a text to compare locales by. Transliterations and maps of digits do not count. A
   * locale that only copies another one has that one's lines.
   */
  types(locale: string): string {
    const lines: string[] = []
    let transliterates = false
    for (const line of this.section(locale, 'LC_CTYPE')) {
      if (line.startsWith('translit_start')) transliterates = true
      if (!transliterates && !/^(map|class)\s/.test(line)) lines.push(line)
      if (line.startsWith('translit_end')) transliterates = false
    }
    const copied = lines.length === 1 ? /^copy\s+"(.*)"$/.exec(lines[0]!)?.[1] : undefined
    return copied === undefined || copied === 'i18n' ? lines.join('\n') : this.types(copied)
  }

  /** The text of a charmap. */
  charmap(name: string): string {
    return gunzipSync(readFileSync(join(this.folder, 'charmaps', `${name}.gz`))).toString('latin1')
  }
}

/** A line that ends with the escape character goes on in the next one, even where that is in a comment. */
function withoutComments(section: string, escaping: string, comment: string): string {
  let text = ''
  let quoted = false
  for (const line of section.split('\n')) {
    const goesOn = line.endsWith(escaping)
    for (const character of goesOn ? line.slice(0, -1) : line) {
      if (character === '"') quoted = !quoted
      if (character === comment && !quoted) break
      text += character
    }
    if (!goesOn) text += '\n'
  }
  return text
}

/** Decodes a text of a source: "<U00E9>t<U00E9>" is "été". */
export function unescaped(text: string): string {
  return text.replace(/<U([0-9A-Fa-f]{4,8})>/g, (_, code: string) =>
    String.fromCodePoint(Number.parseInt(code, 16)),
  )
}
