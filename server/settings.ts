/** PostgreSQL's settings that follow from the options of a server and from what is configured in its data directory. */
import { resolve } from 'node:path'
import { type Settings, settingsText } from '../wasm/cluster/settings.js'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { filesPerProcess } from './open-files.js'
import type { StartServerOptions } from './options.js'

const DEFAULTS: Settings = { listen_addresses: 'localhost', unix_socket_directories: '' }

/** PostgreSQL's own, which is also what a unix socket is named by where there is no TCP. */
export const DEFAULT_PORT = 5432

/** Settings that PostgreSQL is always given as options, so that what its files say has to be repeated. */
const ALWAYS_GIVEN = [...Object.keys(DEFAULTS), 'port', 'io_method']

/** Nothing of an ephemeral cluster outlives this process, so nothing has to reach the disk. */
export const EPHEMERAL: Settings = { fsync: 'off', full_page_writes: 'off' }

/**
 * Everything that is a setting of PostgreSQL: an option of ours is stronger than one that is given as a setting, and that is
 * stronger than what is configured.
 *
 * @param configured what the files in the data directory set
 * @throws StartupError where one of them cannot be had here
 */
export function settingsOf(options: StartServerOptions, configured: Settings): Settings {
  const settings: Settings = {
    ...without({ ...DEFAULTS, ...options.defaults }, Object.keys(configured)),
    ...only(configured, ALWAYS_GIVEN),
    ...settingsText(options.settings ?? {}),
    ...settingsText({
      listen_addresses: options.host,
      port: options.port,
      unix_socket_directories: options.unixSocketDir && resolve(options.unixSocketDir),
      max_connections: options.maxConnections,
    }),
    ...tlsSettings(options.tls),
  }
  const { logging_collector } = settings
  if (logging_collector !== undefined && !/^(off?|no?|f(alse)?|0)$/i.test(logging_collector))
    throw new StartupError(
      'logging_collector cannot be on: the log is collected already and goes to stderr; set log_destination to jsonlog for structure',
    )
  return { ...openFilesSettings({ ...configured, ...settings }), ...settings }
}

/** The names and addresses to listen on. */
export function hostsIn({ listen_addresses = '' }: Settings): string[] {
  return listOf(listen_addresses)
}

/** The directories to have a unix socket in. */
export function socketDirsIn({ unix_socket_directories = '' }: Settings): string[] {
  return listOf(unix_socket_directories)
}

/** @throws StartupError when it is none */
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
    ssl_cert_file: resolve(tls.cert),
    ssl_key_file: resolve(tls.key),
    ssl_ca_file: tls.ca && resolve(tls.ca),
  })
}

/** What lets all sessions have their files open, where the system does not grant PostgreSQL's default. */
function openFilesSettings({ max_connections, max_files_per_process }: Settings): Settings {
  if (max_files_per_process !== undefined) return {}
  const files = filesPerProcess(max_connections)
  return files === undefined ? {} : { max_files_per_process: String(files) }
}
