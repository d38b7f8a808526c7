/** libpq's options of TLS, as far as node-postgres has them, for a base backup by node-postgres and a standby that connects by libpq. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { homeFolder } from '../../wasm/node/system-user.js'

/** Their names. */
export const TLS_OPTIONS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const

type Name = (typeof TLS_OPTIONS)[number]

/** Their values, as far as they are set. The last three are absolute paths, or "system". */
export type TlsOptions = Readonly<Partial<Record<Name, string>>>

/** A file, and its name in the data directory of a standby. */
export interface CopiedFile {
  readonly from: string
  readonly to: string
}

/** Where libpq looks for files that no option names, in the home directory. */
const DEFAULTS = { sslrootcert: 'root.crt', sslcert: 'postgresql.crt', sslkey: 'postgresql.key' } as const

/** Their copies in the data directory of a standby. */
const COPIES = { sslrootcert: 'primary-root.crt', sslcert: 'primary.crt', sslkey: 'primary.key' } as const

type FileName = keyof typeof COPIES

/** This option's value stands for the roots that the system trusts. */
const SYSTEM = 'system'

/**
 * What libpq would use: options of a URL, then those of the environment, then the files in the home directory. Without `sslmode` none
 * counts but `sslrootcert=system`, which implies it.
 *
 * @param given the value in the URL
 */
export function tlsOptions(given: (name: Name) => string | null): TlsOptions {
  const chosen = (name: Name) => given(name) ?? process.env[`PG${name.toUpperCase()}`]
  const sslmode = chosen('sslmode') ?? (chosen('sslrootcert') === SYSTEM ? 'verify-full' : undefined)
  if (sslmode === undefined || sslmode === 'disable') return sslmode === undefined ? {} : { sslmode }
  const home = homeFolder()
  const fileOf = (name: FileName) => {
    const value = chosen(name)
    if (value === SYSTEM && name === 'sslrootcert') return { [name]: SYSTEM }
    if (value) return { [name]: resolve(value) }
    if (home === undefined) return {}
    const file = join(home, '.postgresql', DEFAULTS[name])
    return existsSync(file) ? { [name]: file } : {}
  }
  const roots = fileOf('sslrootcert')
  const own = { ...fileOf('sslcert'), ...fileOf('sslkey') }
  // Without roots of its own node-postgres takes Node's.
  const all = sslmode === 'verify-full' ? { sslrootcert: SYSTEM, ...roots } : roots
  return { sslmode, ...all, ...('sslcert' in own ? own : {}) }
}

/** The same for node-postgres, which reads files by itself. */
export function forNodePostgres({ sslrootcert, ...options }: TlsOptions): TlsOptions {
  return sslrootcert === undefined || sslrootcert === SYSTEM ? options : { ...options, sslrootcert }
}

/** The same for a standby: with the names of copies, because its processes only read files in its data directory. */
export function copied(options: TlsOptions): { options: TlsOptions; files: CopiedFile[] } {
  const files: CopiedFile[] = []
  const named: Partial<Record<Name, string>> = { ...options }
  for (const name of Object.keys(COPIES) as FileName[]) {
    const from = options[name]
    if (from === undefined || from === SYSTEM) continue
    files.push({ from, to: COPIES[name] })
    named[name] = COPIES[name]
  }
  return { options: named, files }
}
