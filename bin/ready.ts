/** What the command line says when a server is ready: text for people, JSON for scripts. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type PostgresServer, type StartServerOptions, StartupError } from '../server/index.js'
import { errorCode } from '../wasm/cluster/startup-error.js'

/** @param variables the environment variables that the server uses */
export function greeting(server: PostgresServer, variables: readonly string[]): string {
  const { url, user, host, port, socketPath, dataDir, ephemeral, httpUrl, consoleUrl } = server
  const at = clientHost(server)
  return [
    `PostgreSQL is ready: ${url}`,
    `  connect with:      psql -h ${at} -p ${port} -U ${user}`,
    ...(socketPath !== undefined && host !== '' ? [`  unix socket:       ${socketPath}`] : []),
    ...(httpUrl !== undefined ? [`  health, metrics:   ${httpUrl}`] : []),
    ...(consoleUrl !== undefined ? [`  console:           ${consoleUrl}`] : []),
    ephemeral
      ? '  data:              ephemeral, gone when the server stops; keep it with -D DIR'
      : `  data:              ${dataDir}`,
    ...(variables.length > 0 ? [`  by environment:    ${variables.join(', ')}`] : []),
    '  stop with:         Ctrl-C',
  ].join('\n')
}

/** The host as libpq takes it: a host name, or the directory of the unix socket. */
function clientHost({ url, host, socketPath }: PostgresServer): string {
  if (host !== '') return host
  return socketPath === undefined ? new URL(url).hostname : dirname(socketPath)
}

/** What `-q` prints: the connection string, and on a second line the console's URL if there is one. */
export function urls({ url, consoleUrl }: PostgresServer): string {
  return consoleUrl === undefined ? url : `${url}\n${consoleUrl}`
}

/** One JSON object on one line, without a newline: the value of `--json` and `--ready-file`. */
export function description(server: PostgresServer): string {
  const { url, host, port, socketPath, dataDir, ephemeral, httpUrl, consoleUrl } = server
  const pid = process.pid
  return JSON.stringify({ url, host, port, pid, dataDir, ephemeral, socketPath, httpUrl, consoleUrl })
}

/**
 * Writes the description to a file, which appears with all its content. It is removed when this process exits.
 *
 * @throws StartupError when it cannot be written
 */
export function writeReadyFile(file: string, server: PostgresServer): void {
  const unfinished = `${file}.${process.pid}`
  try {
    // The console's URL has a token, which is for this user only.
    const mode = server.consoleUrl === undefined ? 0o666 : 0o600
    writeFileSync(unfinished, `${description(server)}\n`, { mode })
    renameSync(unfinished, file)
  } catch (error) {
    throw new StartupError(`cannot write ready file "${file}": ${(error as Error).message}`, errorCode(error))
  }
  process.on('exit', () => rmSync(file, { force: true }))
}

/** The environment variables by which clients find the server: libpq's, and DATABASE_URL. */
export function clientEnvironment(
  server: PostgresServer,
  { password, database = 'postgres' }: Pick<StartServerOptions, 'password' | 'database'>,
): Record<string, string> {
  const { url, user, port } = server
  return {
    ...(password === undefined ? {} : { PGPASSWORD: password }),
    DATABASE_URL: password === undefined ? url : url.replace('@', `:${encodeURIComponent(password)}@`),
    PGHOST: clientHost(server),
    PGPORT: String(port),
    PGUSER: user,
    PGDATABASE: database,
  }
}
