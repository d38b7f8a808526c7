/**
 * Selects the part of ICU's code that PostgreSQL calls: collation, case mapping, converters, and the names of locales.
 * For its data see icu-data.ts.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Groups in ICU's own table of dependencies. The groups that they depend on are added. */
const GROUPS = [
  ...['collation', 'collation_builder', 'conversion', 'uchar'],
  ...['ustring_case_locale', 'ustr_titlecase_brkiter', 'locale_display_names', 'resourcebundle'],
]

/** Source files, relative to ICU's folder. */
export function icuSources(folder: string): string[] {
  const groups = readDependencies(readFileSync(join(folder, 'source/test/depstest/dependencies.txt'), 'utf8'))
  const wanted = new Set<string>()
  const want = (name: string) => {
    if (wanted.has(name)) return
    wanted.add(name)
    for (const dependency of groups.get(name)?.dependencies ?? []) want(dependency)
  }
  GROUPS.forEach(want)
  const objects = [...wanted].flatMap(name => groups.get(name)?.objects ?? [])
  const candidates = (name: string) =>
    ['common', 'i18n', 'stubdata'].flatMap(part =>
      ['cpp', 'c'].map(suffix => `source/${part}/${name}.${suffix}`),
    )
  return [...new Set(objects)]
    .sort()
    .flatMap(object => candidates(object.replace(/\.o$/, '')).filter(path => existsSync(join(folder, path))))
}

interface Group {
  objects: string[]
  dependencies: string[]
}

/** `group: NAME`, then indented names of objects, then `deps` and indented names of groups. */
function readDependencies(text: string): Map<string, Group> {
  const groups = new Map<string, Group>()
  let group: Group = { objects: [], dependencies: [] }
  for (const line of text.split('\n').map(line => line.replace(/#.*/, '').trimEnd())) {
    const name = /^(?:group|library): (\S+)/.exec(line)?.[1]
    if (name !== undefined) {
      group = { objects: [], dependencies: [] }
      groups.set(name, group)
    } else if (/^\s/.test(line)) {
      const words = line.trim().split(/\s+/)
      group.objects.push(...words.filter(word => word.endsWith('.o')))
      group.dependencies.push(...words.filter(word => !word.endsWith('.o') && word !== 'deps'))
    }
  }
  return groups
}
