/** Runs pg_regress, or pg_isolation_regress, against a server, and reads from what it prints how each test went. */
import { createInterface } from 'node:readline'
import type { Installation } from './installation.js'
import type { Outcome } from './outcome.js'
import type { Server } from './server.js'

/** Seconds after which a run has hung. */
const DEADLINE = 30 * 60

/** One test: `ok 12        + boolean          333 ms`, with "-" in place of "+" if it ran alone. */
const RESULT = /^(not ok|ok) +\d+ +[-+] (\S+) +\d+ ms/

const PROGRAMS = {
  regression: 'regress/pg_regress',
  isolation: 'isolation/pg_isolation_regress',
} as const

/**
 * @param folder of the tests, in the source
 * @param results folder for what the tests write
 * @param args further options, and what to run
 */
export async function runPgRegress(
  kind: keyof typeof PROGRAMS,
  installation: Installation,
  folder: string,
  results: string,
  server: Server,
  args: readonly string[],
): Promise<Outcome[]> {
  const input = `${installation.source}/${folder}`
  const child = installation.spawn(
    [
      // Scripts name files with data from there.
      ...['env', '-C', input],
      `${installation.pgxs}/src/test/${PROGRAMS[kind]}`,
      ...[`--inputdir=${input}`, `--outputdir=${results}`, `--bindir=${installation.programs}`],
      ...[`--dlpath=${installation.package}/wasm/dist/lib`, '--host=127.0.0.1', `--port=${server.port}`],
      ...args.map(arg => arg.replace(/^--schedule=/, `--schedule=${input}/`)),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: server.environment },
  )
  const outcomes: Outcome[] = []
  const output: string[] = []
  for (const stream of [child.stdout!, child.stderr!])
    createInterface({ input: stream }).on('line', line => {
      const [, result, test] = RESULT.exec(line) ?? []
      if (test === undefined) output.push(line)
      else outcomes.push({ test, result: result === 'ok' ? 'passed' : 'failed', details: [] })
    })
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    child.kill('SIGKILL')
  }, DEADLINE * 1000)
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  clearTimeout(timer)

  // It fails of itself when tests do. Whatever else ends it has kept tests from running.
  const all = output.some(line => line === `1..${outcomes.length}`)
  if (!all || (status !== 0 && outcomes.every(({ result }) => result === 'passed'))) {
    const reason = hung ? `was not done after ${DEADLINE} s` : `ended with ${status}`
    outcomes.push({ test: kind, result: 'failed', details: [`pg_regress ${reason}:`, ...output.slice(-10)] })
  }
  return outcomes
}
