/**
 * Clusters that another PostgreSQL made, for example that of Debian's packages or of PostgreSQL's Docker image: finds their configuration,
 * and what this server cannot do of it. The server starts without that, and logs a line for each such setting.
 */
import { accessSync, constants, existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import type { Settings } from '../wasm/cluster/settings.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { artefactsFolder } from '../wasm/node/artefacts.js'
import { hostPathIn, posixPath } from '../wasm/node/paths.js'
import { bytesOf, mostDepth } from '../wasm/node/stack.js'
import { configuredSettings } from './configuration.js'
import { hasUnixSockets } from './linux.js'

/** Debian's packages have the configuration of each cluster in a folder of its own here. */
const DEBIAN = '/etc/postgresql/18'

const CONFIGURATION = 'postgresql.conf'

/** A setting of this many bytes is more than the server can have; it uses the other size instead. */
const TOO_MUCH = 2 ** 31
const SHARED_BUFFERS = '1GB'

/** `cp` is the only command that the server executes: see c/postgres/copy-command.c. */
const WORD = /(?:[^\s"']|"[^"]*"|'[^']*')+/.source
const COPY = new RegExp(`^ *(?:test ! -f ${WORD} && +)?cp +${WORD} +${WORD} *$`)
const NO_SHELL = 'there is no shell'

export interface Adapted {
  /** Options for PostgreSQL, which override the files. */
  readonly settings: Settings
  /** A line for each setting that the server does not use as it is. */
  readonly notes: readonly string[]
}

/**
 * The postgresql.conf of a cluster: in its directory, or where Debian's packages have it.
 *
 * @param dataDir absolute
 * @throws StartupError when there is none
 */
export function configurationFile(dataDir: string, debian = DEBIAN): string {
  const own = join(dataDir, CONFIGURATION)
  if (existsSync(own)) return own
  const found = debianConfigurations(debian).find(file => {
    const directory = configuredSettings(dirname(file), file).data_directory
    return directory !== undefined && sameDirectory(directory, dataDir)
  })
  if (found !== undefined) return found
  throw new StartupError(
    `"${dataDir}" has no ${CONFIGURATION}: Debian's packages keep it, with pg_hba.conf, in ${DEBIAN}/NAME; copy both into the directory, or name it by -c config_file=PATH`,
    'ENOENT',
  )
}

function debianConfigurations(folder: string): string[] {
  try {
    return readdirSync(folder).map(name => join(folder, name, CONFIGURATION))
  } catch {
    return [] // This is not Debian.
  }
}

function sameDirectory(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other)
  } catch {
    return false
  }
}

/** What decides about the value of a setting. */
interface Place {
  readonly dataDir: string
  /** The folder of postgresql.conf. */
  readonly folder: string
  /** Whether SQL cannot write postgresql.conf, so that what it names is what the administrator wants. */
  readonly trusted: boolean
  readonly configured: Settings
  /** Settings of options, which override these. */
  readonly given: Settings
}

/**
 * What to use in place of a value, as a value or as settings, and why; undefined where the value is right. Without a reason the server
 * logs no line.
 */
type Rule = (value: string, place: Place) => [instead: string | Settings, because?: string] | undefined

/**
 * Which settings of a cluster the server has to override.
 *
 * @param file its postgresql.conf
 * @param configured the settings of that file and of postgresql.auto.conf
 * @param given the settings of options
 */
export function adapted(dataDir: string, file: string, configured: Settings, given: Settings): Adapted {
  const folder = dirname(file)
  const place = { dataDir, folder, trusted: !isInside(dataDir, file), configured, given }
  const settings: Record<string, string> = place.trusted ? { config_file: posixPath(file) } : {}
  const notes: string[] = []
  for (const [name, value] of Object.entries(configured)) {
    const found = name in given ? undefined : RULES[name]?.(value, place)
    if (found === undefined) continue
    const [instead, because] = found
    Object.assign(settings, typeof instead === 'string' ? { [name]: instead } : instead)
    if (because !== undefined) notes.push(`${name} = '${value}' does not apply here: ${because}`)
  }
  return { settings, notes }
}

const isOn = (value = '') => /^(on|t(r(ue?)?)?|y(es?)?|1)$/i.test(value)
const listOf = (value: string) =>
  value.split(',').flatMap(name => name.trim().replace(/^"(.*)"$/, '$1') || [])

function isInside(folder: string, path: string): boolean {
  return !relative(folder, path).startsWith('..')
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** What keeps the server from reading a file that the configuration names. */
function hindrance(file: string, { dataDir, trusted }: Place): string | undefined {
  const path = hostPathIn(dataDir, file)
  if (!trusted && !isInside(dataDir, path))
    return `"${path}" is outside of the data directory, and SQL could have named it`
  return isReadable(path) ? undefined : `"${path}" cannot be read`
}

/** Replaces a value that this build does not have. */
const not =
  (impossible: RegExp, instead: string, because: string): Rule =>
  value =>
    impossible.test(value) ? [instead, because] : undefined

const command: Rule = value => (value === '' || COPY.test(value) ? undefined : ['', NO_SHELL])

/** Keeps the libraries that are in the package. */
const libraries: Rule = value => {
  const all = listOf(value)
  const missing = all.filter(name => !isLibrary(name))
  if (missing.length === 0) return undefined
  const kept = all.filter(isLibrary).join(',')
  return [kept, `there is no ${missing.join(', no ')} in this package`]
}

const isLibrary = (name: string) =>
  existsSync(join(artefactsFolder(), 'lib', `${basename(name.replace(/\.so$/, ''))}.so.wasm`))

/** The server uses a file that SQL cannot have named. One that SQL could have named it uses only inside the data directory. */
const rulesFile =
  (fallback: string): Rule =>
  (value, place) => {
    const because = hindrance(value, place)
    if (because === undefined) return place.trusted ? [value] : undefined
    const beside = [place.folder, place.dataDir].map(folder => join(folder, fallback)).find(isReadable)
    return beside === undefined ? undefined : [posixPath(beside), `${because}; "${beside}" counts`]
  }

const tls: Rule = (value, place) => {
  if (!isOn(value)) return undefined
  const {
    ssl_cert_file = 'server.crt',
    ssl_key_file = 'server.key',
    ssl_ca_file,
    ssl_crl_file,
  } = place.configured
  const files = [ssl_cert_file, ssl_key_file, ssl_ca_file, ssl_crl_file].flatMap(file => file || [])
  const because = files.map(file => hindrance(file, place)).find(Boolean)
  return because === undefined
    ? undefined
    : ['off', `${because}; so there is no TLS, unless --tls-cert and --tls-key name files`]
}

/** Passes the files that the administrator named to PostgreSQL as options, because options allow it to read them. */
const outside: Rule = (value, place) =>
  place.trusted && value !== '' && hindrance(value, place) === undefined ? [value] : undefined

const sockets: Rule = value => {
  const all = listOf(value)
  const usable = (folder: string) => hasUnixSockets() && (folder.startsWith('@') || isWritable(folder))
  const missing = all.filter(folder => !usable(folder))
  if (missing.length === 0) return undefined
  const because = hasUnixSockets()
    ? `there is no folder ${missing.join(', ')} to write to`
    : 'Node has no such sockets here'
  return [all.filter(usable).join(','), because]
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

const archiving: Rule = (value, { configured }) => {
  const { archive_command = '', archive_library = '' } = configured
  if (/^(off|f(a(l(se?)?)?)?|no?|0)$/i.test(value)) return undefined
  if (archive_library !== '' && !isLibrary(archive_library))
    return ['off', `there is no library ${archive_library} in this package; nothing is archived`]
  if (archive_library === '' && archive_command !== '' && !COPY.test(archive_command))
    return ['off', `archive_command = '${archive_command}', and ${NO_SHELL}; nothing is archived`]
  return undefined
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  '': 8192,
  kB: 2 ** 10,
  MB: 2 ** 20,
  GB: 2 ** 30,
  TB: 2 ** 40,
}

const sharedBuffers: Rule = value => {
  const [, number, unit = ''] = /^\s*([\d.]+)\s*([A-Za-z]*)\s*$/.exec(value) ?? []
  return Number(number) * (UNITS[unit] ?? Number.NaN) > TOO_MUCH
    ? [SHARED_BUFFERS, `all processes together have 4 GiB of memory; it is ${SHARED_BUFFERS}`]
    : undefined
}

const maxStackDepth: Rule = (value, { configured, given }) => {
  const connections = given.max_connections ?? configured.max_connections ?? ''
  const most = mostDepth(connections)
  return bytesOf(value) > most
    ? [`${most / 1024}kB`, `for so many connections there is room for ${most / 1024}kB each`]
    : undefined
}

const minDynamicSharedMemory: Rule = value =>
  bytesOf(/[A-Za-z]/.test(value) ? value : `${value}MB`) >= 2 ** 32
    ? ['0', 'all processes together have 4 GiB of memory']
    : undefined

const RULES: Readonly<Record<string, Rule>> = {
  archive_cleanup_command: command,
  archive_mode: archiving,
  bonjour: value => (isOn(value) ? ['off', 'there is no Bonjour'] : undefined),
  data_directory: (value, { dataDir }) =>
    sameDirectory(value, dataDir)
      ? [posixPath(dataDir)]
      : [posixPath(dataDir), `the server was given "${dataDir}"`],
  dynamic_shared_memory_type: not(
    /^(posix|mmap|windows)$/,
    'sysv',
    'all processes share the memory of one program',
  ),
  external_pid_file: (value, { trusted }) => (trusted ? [value] : undefined),
  hba_file: rulesFile('pg_hba.conf'),
  huge_pages: value => (isOn(value) ? ['off', 'there are no huge pages'] : undefined),
  ident_file: rulesFile('pg_ident.conf'),
  io_method: not(/^io_uring$/i, 'worker', 'processes cannot use io_uring; it is worker'),
  jit: value => (isOn(value) ? ['off', 'statements are not compiled'] : undefined),
  local_preload_libraries: libraries,
  log_destination: value => {
    const all = listOf(value)
    const kept = all.filter(name => !/^(syslog|eventlog)$/i.test(name))
    return kept.length === all.length ? undefined : [kept.join(',') || 'stderr', 'the log goes to stderr']
  },
  max_stack_depth: maxStackDepth,
  min_dynamic_shared_memory: minDynamicSharedMemory,
  logging_collector: value => (isOn(value) ? ['off', 'the log goes to stderr'] : undefined),
  recovery_end_command: command,
  recovery_init_sync_method: not(/^syncfs$/i, 'fsync', 'there is no syncfs; it is fsync'),
  restore_command: command,
  session_preload_libraries: libraries,
  shared_buffers: sharedBuffers,
  shared_preload_libraries: libraries,
  ssl: tls,
  ssl_ca_file: outside,
  ssl_cert_file: outside,
  ssl_crl_file: outside,
  ssl_key_file: outside,
  syslog_facility: not(/^local[0-7]$/i, 'none', 'the log goes to stderr'),
  unix_socket_directories: sockets,
}
