/** PostgreSQL's settings, from the options of startServer() and the configuration files of the data directory. */
import { resolve } from 'node:path'
import { type Settings, settingsText } from '../wasm/cluster/settings.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { posixPath } from '../wasm/node/paths.js'
import { hasAbstractSockets, hasUnixSockets } from './linux.js'
import { filesPerProcess } from './open-files.js'
import type { StartServerOptions } from './options.js'
import { extensionPath } from './share-directories.js'

const DEFAULTS: Settings = { listen_addresses: 'localhost', unix_socket_directories: '' }

/** PostgreSQL's default. Without TCP it still names the unix socket. */
export const DEFAULT_PORT = 5432

/** Settings that PostgreSQL always gets as options. Options override its files, so they repeat the files' values. */
const ALWAYS_GIVEN = [...Object.keys(DEFAULTS), 'port', 'io_method', 'file_copy_method']

/** For an ephemeral cluster: nothing of it outlives this process, so nothing has to reach the disk. */
export const EPHEMERAL: Settings = { fsync: 'off', full_page_writes: 'off' }

/**
 * All settings that PostgreSQL gets as options. Options of startServer() such as `port` override `settings`, which override the
 * configuration files.
 *
 * @param configured what the configuration files set
 * @throws StartupError when one of them cannot be used here
 */
export function settingsOf(options: StartServerOptions, configured: Settings): Settings {
  const given: Settings = {
    ...without({ ...DEFAULTS, ...settingsText(options.defaults ?? {}) }, Object.keys(configured)),
    ...only(configured, ALWAYS_GIVEN),
    ...settingsText(options.settings ?? {}),
    ...settingsText({
      listen_addresses: options.host,
      port: options.port,
      unix_socket_directories: options.unixSocketDir && posixPath(resolve(options.unixSocketDir)),
      max_connections: options.maxConnections,
    }),
    ...tlsSettings(options.tls),
  }
  const settings = { ...given, ...extensionPath(options.shareDirs ?? [], { ...configured, ...given }) }
  const { logging_collector } = given
  if (logging_collector !== undefined && !/^(off?|no?|f(alse)?|0)$/i.test(logging_collector))
    throw new StartupError(
      'logging_collector cannot be on: this server writes the log to stderr itself; redirect that to a file',
    )
  refuseSockets(socketDirsIn(settings))
  return { ...openFilesSettings({ ...configured, ...settings }), ...settings }
}

/** @throws StartupError where this system does not have them */
function refuseSockets(directories: readonly string[]): void {
  const [first] = directories
  if (first === undefined) return
  if (!hasUnixSockets())
    throw new StartupError(
      `cannot make a unix socket in "${first}": Node has none on Windows; let clients on this machine connect to localhost`,
    )
  const abstract = directories.find(directory => directory.startsWith('@'))
  if (abstract !== undefined && !hasAbstractSockets())
    throw new StartupError(
      `cannot make the unix socket "${abstract}": only Linux has names that begin with @`,
    )
}

/** The host names and addresses to listen on. */
export function hostsIn({ listen_addresses = '' }: Settings): string[] {
  return listOf(listen_addresses)
}

/** The directories of unix sockets. */
export function socketDirsIn({ unix_socket_directories = '' }: Settings): string[] {
  return listOf(unix_socket_directories)
}

/** @throws StartupError when the port is no number from 0 to 65535 */
export function portIn(settings: Settings): number {
  const port = Number(settings.port ?? DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 0 || port > 65535)
    throw new StartupError(`"${settings.port}" is not a port: it must be a number from 0 to 65535`)
  return port
}

function listOf(names: string): string[] {
  return names.split(',').flatMap(name => name.trim() || [])
}

function without(settings: Settings, names: readonly string[]): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.includes(name)))
}

function only(settings: Settings, names: readonly string[]): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => names.includes(name)))
}

function tlsSettings(tls: StartServerOptions['tls']): Settings {
  if (tls === undefined) return {}
  if (tls === 'self-signed') return { ssl: 'on' }
  return settingsText({
    ssl: true,
    ssl_cert_file: posixPath(resolve(tls.cert)),
    ssl_key_file: posixPath(resolve(tls.key)),
    ssl_ca_file: tls.ca && posixPath(resolve(tls.ca)),
  })
}

/** Lowers max_files_per_process where the system does not allow PostgreSQL's default in all sessions. */
function openFilesSettings({ max_connections, max_files_per_process }: Settings): Settings {
  if (max_files_per_process !== undefined) return {}
  const files = filesPerProcess(max_connections)
  return files === undefined ? {} : { max_files_per_process: String(files) }
}
