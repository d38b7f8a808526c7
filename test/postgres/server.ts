/** The server under test: our command line, in the tree, with all code generation forbidden. */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { PRELOADED } from '../preloaded/path.js'
import { type Installation, SOCKETS } from './installation.js'
import type { Tests } from './suites.js'

/** What pg_regress writes into the configuration of a server that it makes itself. */
export const SETTINGS: Readonly<Record<string, string>> = {
  log_autovacuum_min_duration: '0',
  log_checkpoints: 'on',
  log_line_prefix: '%m %b[%p] %q%a ',
  log_lock_waits: 'on',
  log_temp_files: '128kB',
  max_prepared_transactions: '2',
  // It starts it with -F.
  fsync: 'off',
  log_min_messages: 'warning',
}

/** Milliseconds that a server has to shut down, after which it counts as hung. */
const SHUTDOWN_LIMIT = 60_000

export interface Server {
  readonly port: number
  /** What programs that connect to it have to be told. */
  readonly environment: Readonly<Record<string, string>>
  /** Ends the server. Resolves with the errors from its log, at best none. */
  stop(): Promise<string[]>
}

/** The lines of a log that tell of something which no test may cause. */
export function crashesIn(log: string): string[] {
  return log.match(/^.*(?:was terminated by signal|\bPANIC: ).*$/gm) ?? []
}

/** Node's options that break every way to generate code at run time, in every thread. */
export function codeGenerationBan({ package: folder }: Installation): string[] {
  return [
    '--disallow-code-generation-from-strings',
    ...['--import', `${folder}/${PRELOADED}/forbid-code-generation.js`],
  ]
}

/**
 * Starts a server on a new cluster.
 *
 * @param log file that its log is written to
 */
export async function startServer(
  installation: Installation,
  { settings, initdb }: Pick<Tests, 'settings' | 'initdb'>,
  log: string,
): Promise<Server> {
  const commandLine = [
    ...[installation.node, ...codeGenerationBan(installation)],
    `${installation.package}/dist/bin/pglite-imports-server.js`,
  ]
  const data = installation.makeFolder('data')
  if (initdb.length > 0) {
    const init = installation.spawn([...commandLine, 'init', '-D', data, ...initdb], { stdio: 'ignore' })
    const [code, signal] = await once(init, 'exit')
    if (code !== 0) throw new Error(`a cluster with ${initdb.join(' ')} was not made (${code ?? signal})`)
  }
  const child = installation.spawn(
    [
      ...[...commandLine, '-v', '-p', '0', '-h', '127.0.0.1', '-D', data],
      // Where libpq looks for a server, in the server too.
      ...['-k', SOCKETS],
      // Tests load files that lie beside the scripts, write among their results, and name folders that do not exist.
      ...['--allow-dir', '/'],
      ...Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const crashes: string[] = []
  const file = createWriteStream(log)
  child.stderr!.pipe(file)
  child.stderr!.on('data', text => {
    crashes.push(...crashesIn(String(text)))
  })
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal)

  let output = ''
  let port: string | undefined
  while (port === undefined) {
    const next = await Promise.race([once(child.stdout!, 'data'), exited])
    if (!Array.isArray(next)) throw new Error(`the server did not start (${next}), see ${log}`)
    output += next[0]
    port = /PostgreSQL is ready: \S+:(\d+)\//.exec(output)?.[1]
  }
  return {
    port: Number(port),
    environment: {},
    async stop() {
      child.kill('SIGINT')
      const timer = setTimeout(() => {
        crashes.push(`the server had not shut down after ${SHUTDOWN_LIMIT / 1000} s`)
        child.kill('SIGKILL')
      }, SHUTDOWN_LIMIT)
      const code = await exited
      clearTimeout(timer)
      await finished(file)
      return code === 0 || crashes.length > 0 ? crashes : [`the server ended with ${code}`]
    },
  }
}
