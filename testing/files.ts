/** Files by their patterns. */
import { readdirSync, statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'

/** All files that these patterns name, as absolute paths, sorted. @throws Error if one of them names none */
export function filesOf(patterns: string | readonly string[], folder = process.cwd()): string[] {
  const files = [patterns].flat().flatMap(pattern => {
    const matching = filesMatching(pattern, folder)
    if (matching.length === 0) throw new Error(`there are no files "${pattern}" in ${folder}`)
    return matching
  })
  return [...new Set(files)].sort()
}

function filesMatching(pattern: string, folder: string): string[] {
  const names = resolve(folder, pattern).split(sep)
  const first = names.findIndex(name => /[*?]/.test(name))
  if (first < 0) return isFile(resolve(folder, pattern)) ? [resolve(folder, pattern)] : []
  const root = names.slice(0, first).join(sep) || sep
  const matches = expressionOf(names.slice(first))
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map(name => join(root, name))
    .filter(path => matches.test(relative(root, path).replaceAll(sep, '/')) && isFile(path))
}

/** `**` stands for any number of folders, `*` for any part of a name, `?` for a character. */
function expressionOf(names: readonly string[]): RegExp {
  const parts = names.map((name, i) => {
    const last = i === names.length - 1
    if (name === '**') return last ? '.*' : '(?:[^/]+/)*'
    const text = name
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')
    return last ? text : `${text}/`
  })
  return new RegExp(`^${parts.join('')}$`)
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
