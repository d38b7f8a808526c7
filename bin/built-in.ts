/** PostgreSQL's client programs of this package, and those that are installed. */
import { execFile } from 'node:child_process'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { Outgoing, resolve } from '../server/network/outgoing.js'
import { artefactsFolder } from '../wasm/node/artefacts.js'
import { posixPath } from '../wasm/node/paths.js'
import { runClient } from '../wasm/node/run-program.js'
import { homeFolder } from '../wasm/node/system-user.js'

/** The folder with a script for each program, under its own name. */
const commandsFolder = () => join(artefactsFolder(), 'commands')

/** The environment variables that PostgreSQL's programs read. POSTGRES_PASSWORD stands for PGPASSWORD if that is not set. */
export function ofPostgres(environment: NodeJS.ProcessEnv): Record<string, string> {
  const { POSTGRES_PASSWORD } = environment
  const entries = Object.entries({
    ...(POSTGRES_PASSWORD ? { PGPASSWORD: POSTGRES_PASSWORD } : {}),
    ...environment,
  }).filter(([name]) => /^(PG|PSQL|HOME$|COLUMNS$)/.test(name))
  return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

/** What the help of programs that natively start workers or threads does not say: c/patches/0017-…. */
const ONE_WORKER = new Map([
  ['pg_dump', 'job'],
  ['pg_restore', 'job'],
  ['pgbench', 'thread'],
])

/** Runs a program of this package to its end. Returns its exit code. */
export async function builtIn(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  const outgoing = new Outgoing()
  // The program cannot ask for the width of the terminal.
  const { columns } = process.stdout
  const home = homeFolder()
  const code = await runClient(program, args, {
    environment: {
      ...(columns === undefined ? {} : { COLUMNS: String(columns) }),
      ...(program === 'psql' ? { PGCLIENTENCODING: 'UTF8' } : {}),
      ...(home === undefined ? {} : { HOME: posixPath(home) }),
      ...environment,
    },
    connections: {
      connect: (address, connected, signal) => outgoing.connect(address, connected, signal),
      resolve,
    },
  })
  const worker = ONE_WORKER.get(program)
  if (worker !== undefined && ['--help', '-?'].includes(args[0] ?? ''))
    console.log(`\nWith -j this build of ${program} warns and uses one ${worker}. A native one uses several.`)
  return code
}

/** An installed program on the PATH that is at least as new as those of this package, or undefined. */
export async function installed(program: string): Promise<string | undefined> {
  const path = findInPath(program)
  return path !== undefined && (await majorVersion(path)) >= ownMajorVersion() ? path : undefined
}

/** PATH with the programs of this package: before others, unless those that are installed are as new. */
export async function pathOfPrograms(): Promise<{ PATH: string }> {
  const { PATH = '' } = process.env
  const folders =
    (await installed('pg_dump')) === undefined ? [commandsFolder(), PATH] : [PATH, commandsFolder()]
  return { PATH: folders.filter(Boolean).join(delimiter) }
}

function ownMajorVersion(): number {
  const { postgresql } = JSON.parse(readFileSync(join(artefactsFolder(), 'manifest.json'), 'utf8')) as {
    postgresql: string
  }
  return Number.parseInt(postgresql, 10)
}

/** Milliseconds after which a program that does not tell its version is left alone. */
const PATIENCE = 5000

async function majorVersion(path: string): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: PATIENCE })
    return Number(/\(PostgreSQL\) (\d+)/.exec(stdout)?.[1] ?? 0)
  } catch {
    return 0
  }
}

/** The first one that is no script of this package. */
function findInPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  const name = process.platform === 'win32' ? `${program}.exe` : program
  return folders.map(folder => join(folder, name)).find(file => isExecutable(file) && !isOwn(file))
}

function isOwn(file: string): boolean {
  try {
    return readFileSync(file).equals(readFileSync(join(commandsFolder(), 'psql')))
  } catch {
    return false
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
