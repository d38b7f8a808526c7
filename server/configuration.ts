/**
 * Reads the configuration files of an existing cluster. The host needs them before PostgreSQL does: it binds addresses first, and
 * it gives PostgreSQL options with its own defaults, which would override the files.
 *
 * The syntax is that of PostgreSQL's guc-file.l. Errors in a file are ignored: PostgreSQL reports them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hostPathIn } from '../wasm/node/paths.js'

/** PostgreSQL's CONF_FILE_MAX_DEPTH. */
export const MAX_DEPTH = 10

/** `name = value`, `name value` or `include 'file'`, with a quoted value or a plain one. */
const LINE = /^\s*([a-z_][\w.$]*)\s*(?:=\s*|\s+|(?='))(?:'((?:[^'\\]|''|\\.)*)'|([^\s'#]+))\s*(?:#.*)?$/i

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/**
 * @param dataDir absolute
 * @param file its postgresql.conf, if it lies elsewhere
 * @returns settings by their names in lower case; those of ALTER SYSTEM override those of postgresql.conf
 */
export function configuredSettings(dataDir: string, file = 'postgresql.conf'): Record<string, string> {
  const settings: Record<string, string> = {}
  readConfiguration(hostPathIn(dataDir, file), settings, 0)
  readConfiguration(join(dataDir, 'postgresql.auto.conf'), settings, 0)
  return settings
}

/** The files and folders that a configuration file includes, and that those include. */
export function includedBy(file: string): string[] {
  const included: string[] = []
  readConfiguration(file, {}, 0, path => included.push(path))
  return included
}

function readConfiguration(
  file: string,
  settings: Record<string, string>,
  depth: number,
  onInclude: (path: string) => void = () => {},
): void {
  if (depth > MAX_DEPTH) return
  for (const line of linesOf(file)) {
    const [, name, quoted, plain] = LINE.exec(line) ?? []
    if (name === undefined) continue
    const value = quoted === undefined ? plain! : unescaped(quoted)
    const path = () => hostPathIn(dirname(file), value)
    const read = (path: string) => readConfiguration(path, settings, depth + 1, onInclude)
    switch (name.toLowerCase()) {
      case 'include':
      case 'include_if_exists':
        onInclude(path())
        read(path())
        break
      case 'include_dir':
        onInclude(path())
        for (const name of configurationFiles(path())) read(join(path(), name))
        break
      default:
        settings[name.toLowerCase()] = value
    }
  }
}

/** The lines of a file; none if it cannot be read. */
export function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)
  } catch {
    return []
  }
}

/** The files of an included directory, in the order in which PostgreSQL reads them. */
export function configurationFiles(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter(name => name.endsWith('.conf') && !name.startsWith('.'))
      .sort()
  } catch {
    return []
  }
}

function unescaped(quoted: string): string {
  return quoted.replace(/''|\\([0-7]{1,3}|.)/g, (_, escaped?: string) => {
    if (escaped === undefined) return "'"
    if (/^[0-7]/.test(escaped)) return String.fromCharCode(Number.parseInt(escaped, 8))
    return ESCAPES[escaped] ?? escaped
  })
}
