/** `npm run test:postgres`: runs PostgreSQL's own test suites against the server. See README.md beside this file. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { BuildFailure } from '../../wasm/build/failure.js'
import { repository } from '../../wasm/build/paths.js'
import { duration } from '../../wasm/build/progress.js'
import { EXCEPTIONS, LEFT_OUT, PASS_AT_TIMES } from './exceptions.js'
import { type Installation, install } from './installation.js'
import type { Outcome } from './outcome.js'
import { runPgRegress } from './pg-regress.js'
import { startServer } from './server.js'
import { allSuites, OF_CLIENTS, type Suite, type Tests, testModules, testsOf } from './suites.js'
import { type Environment, type NativeRole, prepareClientTap, prepareTap, runTap } from './tap.js'
import { startWorkerdServer } from './workerd-server.js'

/** Git ignores it. */
const RESULTS = join(repository, 'test', 'postgres', 'results')

/** Native PostgreSQL lacks the tests' own library in C. */
const NEEDS_LIBRARY = ['027_stream_regress.pl']

/** What scripts in Perl share, those of suites that test libpq apart. */
let environment: Environment | undefined
let clientEnvironment: Environment | undefined

interface Options {
  maxConnections?: number
  node: string
  workerd?: true
  native?: NativeRole
  tests?: string
  list?: true
}

const program = new Command('npm run test:postgres --')
  .description("Runs PostgreSQL's own test suites against the server.")
  .argument('[suite...]', 'suites to run (default: all)')
  .option(
    '--max-connections <number>',
    'tests of a parallel group that run at a time; 1: one by one',
    wholeNumber,
  )
  .option('--node <path>', 'the Node that runs the server', process.execPath)
  .option('--workerd', 'run the server in a Durable Object of workerd, reached by the bridge')
  .addOption(
    new Option(
      '--native <role>',
      'native PostgreSQL runs these of the servers that scripts in Perl start',
    ).choices(['primaries', 'standbys']),
  )
  .option(
    '--tests <names>',
    'only these scripts in Perl or tests of the isolation suite, separated by commas',
  )
  .option('--list', 'print the names of the suites and run none')
  .helpOption('--help', 'print this help')
  .parse()
const options = program.opts<Options>()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

try {
  process.exitCode = await main(program.args)
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error
  console.error(`npm run test:postgres failed: ${error.message}`)
  process.exitCode = 1
}
process.exit()

async function main(names: string[]): Promise<number> {
  const installation = await install(options.node)
  const all = allSuites(installation)
  requireReasons(installation, all)
  const unknown = names.find(name => all.every(suite => suite.name !== name))
  if (unknown !== undefined)
    throw new BuildFailure(`there is no suite "${unknown}"; --list prints their names`)
  if (options.list) {
    console.log(all.map(({ name, folder }) => `${name.padEnd(24)}${folder}`).join('\n'))
    return 0
  }
  const suites = names.length === 0 ? all : all.filter(({ name }) => names.includes(name))

  console.log(
    `${options.workerd ? 'workerd' : `Node ${installation.nodeVersion}`}${options.maxConnections === 1 ? ', one test at a time' : ''}\n`,
  )
  console.log(row('suite', 'passed', 'failed', 'skipped', 'time'))
  const total = { passed: 0, failed: 0, skipped: 0 }
  const began = Date.now()
  for (const suite of suites) {
    const suiteBegan = Date.now()
    const outcomes = judge(suite, await runSuite(installation, suite))
    const count = (wanted: Outcome['result']) => outcomes.filter(({ result }) => result === wanted).length
    const counts = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') }
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += counts[key]
    console.log(row(suite.name, ...Object.values(counts), duration(Date.now() - suiteBegan)))
    for (const { test, result, details } of outcomes)
      if (result !== 'passed') console.log([`  ${result}: ${test}`, ...details].join('\n    '))
    if (counts.failed > 0) console.log(`  see ${relative(process.cwd(), join(RESULTS, suite.name))}`)
  }
  console.log(row('all', ...Object.values(total), duration(Date.now() - began)))
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
  return total.failed > 0 ? 1 : 0
}

/** Runs one suite against a server of its own, and keeps what it leaves behind. */
async function runSuite(installation: Installation, suite: Suite): Promise<Outcome[]> {
  const kept = join(RESULTS, suite.name)
  rmSync(kept, { recursive: true, force: true })
  mkdirSync(kept, { recursive: true })
  const { tap, ...tests } = chosen(await testsOf(installation, suite))
  const connections =
    options.maxConnections === undefined ? [] : [`--max-connections=${options.maxConnections}`]
  const log = join(kept, 'server.log')
  const outcomes: Outcome[] = []
  if (tap.length > 0) {
    const results = installation.makeFolder(`${suite.name}-tap`)
    const env = await environmentFor(installation, suite)
    outcomes.push(...(await runTap(installation, env, suite.folder, tap, results)))
    keepLogs(installation.outside(results), join(kept, 'tap'))
  }
  if (tests.regression.length + tests.isolation.length === 0) return outcomes
  const server = options.workerd
    ? await startWorkerdServer(tests.settings, log)
    : await startServer(installation, tests, log)
  for (const kind of ['regression', 'isolation'] as const) {
    if (tests[kind].length === 0) continue
    const results = installation.makeFolder(`${suite.name}-${kind}`)
    const args = [...connections, ...tests[kind]]
    outcomes.push(...(await runPgRegress(kind, installation, suite.folder, results, server, args)))
    cpSync(installation.outside(results), join(kept, kind), { recursive: true, verbatimSymlinks: true })
  }
  const problems = await server.stop()
  if (problems.length > 0) outcomes.push({ test: 'the server', result: 'failed', details: problems })
  return outcomes
}

async function environmentFor(installation: Installation, { folder }: Suite): Promise<Environment> {
  if (OF_CLIENTS.includes(folder)) {
    clientEnvironment ??= await prepareClientTap(installation)
    return clientEnvironment
  }
  environment ??= await prepareTap(installation, options.native)
  return environment
}

/** What scripts have logged, without the data directories. */
function keepLogs(results: string, kept: string): void {
  for (const test of readdirSync(results)) {
    const log = join(results, test, 'log')
    if (existsSync(log)) cpSync(log, join(kept, test), { recursive: true })
  }
  rmSync(results, { recursive: true, force: true })
}

/** The tests that were asked for. */
function chosen(all: Tests): Tests {
  const tests = options.native ? { ...all, tap: all.tap.filter(file => !NEEDS_LIBRARY.includes(file)) } : all
  if (options.tests === undefined) return tests
  const names = options.tests.split(',')
  const tap = tests.tap.filter(file => names.includes(file.slice(0, -'.pl'.length)))
  return { ...tests, tap, regression: [], isolation: tests.isolation.length > 0 ? names : [] }
}

/**
 * A failure that is listed counts as skipped; a listed test that passes as failed. What a script is listed for goes for each of its
 * tests, and it passes if all of them do.
 */
function judge({ name }: Suite, outcomes: readonly Outcome[]): Outcome[] {
  const failed = outcomes.filter(({ result }) => result === 'failed').map(({ test }) => scriptOf(test))
  return outcomes.map(outcome => {
    const [test, script] = [`${name}/${outcome.test}`, `${name}/${scriptOf(outcome.test)}`]
    const reason = EXCEPTIONS[test] ?? EXCEPTIONS[script]
    if (reason === undefined) return outcome.result === 'skipped' ? { ...outcome, result: 'failed' } : outcome
    const steady = !PASS_AT_TIMES.includes(script)
    if (outcome.result === 'passed' && !failed.includes(outcome.test) && steady)
      return { ...outcome, result: 'failed', details: ['it passes: remove it from exceptions.ts'] }
    return { ...outcome, result: 'skipped', details: [reason] }
  })
}

/** The script in Perl that a test belongs to. */
function scriptOf(test: string): string {
  return test.replace(/: .*/s, '')
}

/** Nothing of src/test/modules is left out silently. */
function requireReasons(installation: Installation, suites: readonly Suite[]): void {
  const present = suites.map(({ folder }) => folder)
  const forgotten = testModules(installation).filter(
    name => !present.includes(`src/test/modules/${name}`) && LEFT_OUT[name] === undefined,
  )
  if (forgotten.length > 0)
    throw new BuildFailure(
      `neither a suite nor left out for a reason: ${forgotten.join(', ')} of src/test/modules`,
    )
}

function row(name: string, ...cells: (string | number)[]): string {
  return name.padEnd(24) + cells.map(cell => String(cell).padStart(8)).join('')
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}
