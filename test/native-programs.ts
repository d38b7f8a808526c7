/**
 * PostgreSQL's own client programs: psql of the machine's Debian release, and psql, pg_dump and pgbench 18 from the
 * Debian tree in the build's cache. Vitest calls setup() once before all tests, so that the tree is there.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { getNativeTree } from '../bench/native-tree.js'

/** What a program did: everything it printed, and its exit code. */
export interface Outcome {
  code: number | null
  stdout: string
  stderr: string
}

export type Program = (args: string[], env: NodeJS.ProcessEnv) => ChildProcess

export async function setup(): Promise<void> {
  await getNativeTree()
}

/** psql as Debian's postgresql-client installs it. */
export const machinePsql: Program = (args, env) =>
  spawn('psql', args, { stdio: 'pipe', env: { ...process.env, ...env } })

export type NativeProgram = 'psql' | 'pg_basebackup' | 'pg_dump' | 'pg_restore' | 'pgbench'

/** A program of PostgreSQL 18. It sees the tree's files only, so hand files over by stdin and stdout. */
export async function program18(name: NativeProgram): Promise<Program> {
  const tree = await getNativeTree()
  return (args, env) => tree.spawn(name, args, { stdio: 'pipe', env })
}

/** What makes a program connect to a server, asking for encryption first, as it does unless told otherwise. */
export function connectionTo(server: { port: number }, database = 'postgres'): NodeJS.ProcessEnv {
  return {
    PGHOST: '127.0.0.1',
    PGPORT: String(server.port),
    PGUSER: 'postgres',
    PGDATABASE: database,
    PGSSLMODE: 'prefer',
    PGGSSENCMODE: 'prefer',
    PGOPTIONS: '',
    PSQLRC: '/dev/null',
  }
}

/** Runs a program to its end. */
export async function run(
  program: Program,
  args: string[],
  env: NodeJS.ProcessEnv,
  input: string | Buffer = '',
): Promise<Outcome> {
  const child = program(args, env)
  const parts: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] }
  child.stdout!.on('data', part => parts.stdout.push(part))
  child.stderr!.on('data', part => parts.stderr.push(part))
  // One that fails early does not read its input; its exit code tells.
  child.stdin!.on('error', () => {})
  child.stdin!.end(input)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const [stdout, stderr] = [parts.stdout, parts.stderr].map(list => Buffer.concat(list).toString())
  return { code, stdout: stdout!, stderr: stderr! }
}
