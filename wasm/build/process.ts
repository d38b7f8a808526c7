/**
 * Runs the programs of the build: output goes to a log file, and the last lines of it are shown when a program fails.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { BuildFailure } from './failure.js'
import { lockDescriptor } from './lock.js'

const LINES_SHOWN_ON_FAILURE = 25

export interface RunOptions {
  /** Folder to run in. */
  cwd?: string
  /** Variables added to the (small) environment. */
  env?: Record<string, string>
  /** File that receives all output; written anew. */
  log: string
  /** What the failed program was doing, for the message: "configure PostgreSQL". */
  doing: string
  /** Called with each line of output. */
  onLine?: (line: string) => void
}

/** Runs a program to its end. Resolves with its standard output; throws BuildFailure if it does not exit with 0. */
export async function run(command: string[], options: RunOptions): Promise<string> {
  const [program, ...args] = command as [string, ...string[]]
  mkdirSync(dirname(options.log), { recursive: true })
  const log = openSync(options.log, 'w')
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...inheritedEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', lockDescriptor()],
  })
  const output: string[] = []
  const keep = (line: string) => {
    writeSync(log, `${line}\n`)
    options.onLine?.(line)
  }
  createInterface({ input: child.stdout! }).on('line', line => {
    output.push(line)
    keep(line)
  })
  createInterface({ input: child.stderr! }).on('line', keep)

  const status = await new Promise<number | string>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  closeSync(log)
  if (status !== 0) {
    const lines = reasons(readFileSync(options.log, 'utf8').trimEnd().split('\n'))
    throw new BuildFailure(
      `could not ${options.doing}: ${program} ended with ${status}\n\n` +
        `${lines.map(line => `    ${line}`).join('\n')}\n\nThe whole output is in ${options.log}`,
    )
  }
  return output.join('\n')
}

/** The lines that tell why: a compiler's errors with what follows them, else the end. */
function reasons(lines: string[]): string[] {
  const errors = lines.flatMap((line, i) => (/\berror: /.test(line) ? lines.slice(i, i + 3) : []))
  return errors.length > 0 ? errors.slice(0, LINES_SHOWN_ON_FAILURE) : lines.slice(-LINES_SHOWN_ON_FAILURE)
}

/** Builds must not depend on the caller's shell, except for how to reach the network. */
function inheritedEnvironment(): Record<string, string> {
  const environment: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: homedir(),
    LANG: 'C.UTF-8',
    DEBIAN_FRONTEND: 'noninteractive',
  }
  for (const name of ['http_proxy', 'https_proxy', 'no_proxy', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}
