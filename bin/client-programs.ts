/**
 * `psql`, `dump` and `restore`: PostgreSQL's own psql, pg_dump and pg_restore, built for WebAssembly as the server is. They
 * get all arguments but -D, which names a cluster. If no server runs on it, this process starts one until the program ends.
 */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { Command } from 'commander'
import { startServer } from '../server/index.js'
import { builtIn, installed, ofPostgres } from './built-in.js'
import { NoCluster, type RunningServer, runningServer } from './running-server.js'

type Environment = Readonly<Record<string, string>>
/** Runs a program to its end and returns its exit code. */
type Run = (args: readonly string[], environment: Environment) => Promise<number>

export function clientCommands(): Command[] {
  return [
    client('psql', 'psql', 'run psql: an installed one that is as new, else the one in this package', psql),
    client('dump', 'pg_dump', 'run pg_dump', dump),
    client(
      'restore',
      'pg_restore',
      "run pg_restore; or psql, if the only argument is a file with pg_dump's SQL",
      restore,
    ),
  ]
}

function client(name: string, program: string, description: string, run: Run): Command {
  return new Command(name)
    .description(description)
    .usage(`[-D dir] [${program}'s arguments...]`)
    .option('-D, --data-dir <dir>', 'data directory of the server to connect to; must come first')
    .argument('[arguments...]')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: string[], { dataDir }: { dataDir?: string }, command: Command) => {
      if (args[0] === '--help') console.log(`Usage: ${command.createHelp().commandUsage(command)}\n${HELP}\n`)
      process.exit(await withServer(dataDir, args, run))
    })
}

const HELP = `
-D must come first. If no server runs on that data directory, this command starts one, and stops it when it is done. Without
-D it connects to localhost, port 5432, as user postgres, to database postgres, unless arguments or PGHOST, … say otherwise.`

/** The server and session that a program uses where neither -D, the environment nor its arguments name others. */
const DEFAULTS = { PGHOST: 'localhost', PGPORT: '5432', PGUSER: 'postgres', PGDATABASE: 'postgres' }

async function withServer(dataDir: string | undefined, args: string[], run: Run): Promise<number> {
  if (dataDir === undefined) return run(args, { ...DEFAULTS, ...ofPostgres(process.env) })
  const running = await runningIn(dataDir, run)
  const server = running === undefined ? await startServer({ dataDir, port: 0 }) : undefined
  const { address: PGHOST, port } = running ?? { address: server!.host, port: server!.port }
  try {
    return await run(args, { ...DEFAULTS, ...ofPostgres(process.env), PGHOST, PGPORT: String(port) })
  } finally {
    await server?.stop()
  }
}

/** The server of a directory. Undefined also if there is no cluster yet, because a start makes one; but for pg_dump that is an error. */
async function runningIn(dataDir: string, run: Run): Promise<RunningServer | undefined> {
  try {
    return await runningServer(dataDir)
  } catch (error) {
    if (error instanceof NoCluster && run !== dump) return undefined
    throw error
  }
}

const dump: Run = (args, environment) => builtIn('pg_dump', args, environment)

async function psql(args: readonly string[], environment: Environment): Promise<number> {
  const program = await installed('psql')
  if (program === undefined) return builtIn('psql', args, environment)
  // psql handles Ctrl-C.
  process.on('SIGINT', () => {})
  const child = spawn(program, args, { stdio: 'inherit', env: { ...process.env, ...environment } })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? 128 + osConstants.signals[signal!]))
  })
}

/** pg_restore demands the name of a database. If the arguments have none, adds the one that psql would connect to. */
function restore(args: readonly string[], environment: Environment): Promise<number> {
  const [file] = args
  if (args.length !== 1 || file === undefined || file.startsWith('-'))
    return builtIn('pg_restore', args, environment)
  if (isSql(file)) return builtIn('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', file], environment)
  return builtIn('pg_restore', ['-d', environment.PGDATABASE ?? '', file], environment)
}

/** Whether a file is not one of pg_dump's archives: custom format, tar file, directory. */
function isSql(file: string): boolean {
  try {
    if (!statSync(file).isFile()) return false
    const fd = openSync(file, 'r')
    const head = Buffer.alloc(262)
    const length = readSync(fd, head, 0, head.length, 0)
    closeSync(fd)
    return head.toString('latin1', 0, 5) !== 'PGDMP' && head.toString('latin1', 257, length) !== 'ustar'
  } catch {
    return false // pg_restore says what is wrong.
  }
}
