/**
 * `postgres`, as pg_ctl and scripts call it: with its options, signals, log and exit codes. Clients are served as by the
 * library; all else is done by postgres.wasm as a program.
 */
import { readFileSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type ServerControl, type Signal, StartupError, startServer } from '../../../server/index.js'
import { artefactsFolder, serverPath } from '../../../wasm/node/artefacts.js'
import { runProgram } from '../../../wasm/node/run-program.js'
import { settingsOfProcess } from './environment.js'

/** Arguments that ask for something else than a server: as the first one, or anywhere. */
const OTHER = /^(--single|--boot|--check|--describe-config|--help|-\?)$/
const ASKS_FOR_SETTING = /^-C/

/** Letters that stand for settings. */
const LETTERS: Readonly<Record<string, string>> = {
  B: 'shared_buffers',
  N: 'max_connections',
  h: 'listen_addresses',
  k: 'unix_socket_directories',
  p: 'port',
}

/** pg_ctl restart repeats postmaster.opts, which has also what the server adds by itself; this socket gives it away. */
const ADDED_SOCKET = '@in-process'
const ADDED =
  /^(listen_addresses|port|unix_socket_directories|io_method|logging_collector|.*shared_memory_type)$/

const args = process.argv.slice(2)
const asksForOther = OTHER.test(args[0] ?? '') || args.some(arg => ASKS_FOR_SETTING.test(arg))
process.exit(await (asksForOther ? other() : serve()))

function other(): Promise<number> {
  const options = { environment: settingsOfProcess() }
  return runProgram(`${artefactsFolder()}/postgres.wasm`, [serverPath(), ...args], options)
}

async function serve(): Promise<number> {
  const { dataDir, settings } = readOptions()
  let server: ServerControl | undefined
  process.on('SIGTERM', () => void server?.stop('smart'))
  process.on('SIGINT', () => void server?.stop('fast'))
  process.on('SIGQUIT', () => void server?.stop('immediate'))
  process.on('SIGHUP', () => server?.reload())
  process.on('SIGUSR1', () => server?.checkRequests())
  process.on('SIGUSR2', () => {
    if (server !== undefined) killAsRequested(server, dataDir)
  })
  try {
    const started = await startServer({
      dataDir,
      settings,
      // Scripts write anywhere.
      allowDirs: ['/'],
      log: 'stderr',
      onStarting(starting) {
        server = starting
      },
    })
    return await started.exited
  } catch (error) {
    if (!(error instanceof StartupError)) throw error
    console.error(`postgres: ${error.message}`)
    return 1
  }
}

/** What `pg_ctl kill` asks for (tap.ts), of a process that the operating system does not know. The file goes once that is done. */
function killAsRequested(server: ServerControl, dataDir: string): void {
  const file = join(dataDir, 'kill.request')
  const [, signal, pid] = /^(HUP|INT|KILL|QUIT|TERM) (\d+)$/m.exec(readFileSync(file, 'utf8')) ?? []
  if (signal === undefined || !server.kill(Number(pid), `SIG${signal}` as Signal)) return
  unlinkSync(file)
}

function readOptions(): { dataDir: string; settings: Record<string, string> } {
  const letters = [...Object.keys(LETTERS), 'D', 'c', 'd']
  const { tokens } = parseArgs({
    args,
    strict: false,
    tokens: true,
    options: {
      ...Object.fromEntries(letters.map(short => [short, { type: 'string', short }] as const)),
      F: { type: 'boolean', short: 'F' },
    },
  })
  let dataDir = process.env.PGDATA ?? ''
  const given: [string, string][] = []
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, value = '' } = token
    const [, setting = '', to = ''] = /^(.*?)=(.*)$/s.exec(value) ?? []
    if (name === 'D') dataDir = value
    else if (name === 'c') given.push([setting, to])
    else if (name === 'd') given.push(['log_min_messages', `debug${value}`])
    else if (name === 'F') given.push(['fsync', 'off'])
    else given.push([LETTERS[name] ?? name.replaceAll('-', '_'), value])
  }
  const repeated = args.some(arg => arg.includes(ADDED_SOCKET))
  return { dataDir, settings: Object.fromEntries(given.filter(([name]) => !repeated || !ADDED.test(name))) }
}
