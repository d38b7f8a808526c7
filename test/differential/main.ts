/**
 * `npm run test:differential`: executes the same statements here and on native PostgreSQL 18, and compares what they return: rows, types of
 * columns, errors and notices. See README.md beside this file.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { Random } from '../fixtures/random.js'
import { Comparison } from './comparison.js'
import { ENCODINGS, PROVIDERS, statementsIn } from './encodings.js'
import { readCatalog } from './regression/catalog.js'
import { contents } from './regression/contents.js'
import { startOnRegressionDatabase } from './regression/database.js'
import { Queries } from './regression/queries.js'
import { type Client, startNative, startOurs } from './servers.js'
import { CALLABLES, type Callable, formats, Statements, TABLES } from './statements.js'

const MINUTE = 60
const LONG = 20 * MINUTE

const PARTS = ['values', 'encodings', 'regression'] as const
type Part = (typeof PARTS)[number]

interface Options {
  seconds?: number
  long?: true
  part?: Part
  seed: number
}

const options = new Command('npm run test:differential --')
  .description('Compares what statements return here and on native PostgreSQL 18.')
  .option('--long', 'for 20 minutes, and over the database of the core tests as well')
  .option('--seconds <number>', 'how long random statements are compared (default: 60)', wholeNumber)
  .addOption(new Option('--part <name>', 'only this part').choices(PARTS))
  .option(
    '--seed <number>',
    'for the same statements as in an earlier run',
    wholeNumber,
    Date.now() % 1_000_000,
  )
  .helpOption('--help', 'print this help')
  .parse()
  .opts<Options>()

interface Both {
  readonly ours: Client
  readonly native: Client
}

const parts: readonly Part[] =
  options.part !== undefined ? [options.part] : options.long ? PARTS : ['values', 'encodings']
const seconds = options.seconds ?? (options.long ? LONG : MINUTE)
/** Of random statements, where there are two kinds of them. */
const milliseconds = (1000 * seconds) / parts.filter(part => part !== 'encodings').length

console.log(`seed ${options.seed}`)
const comparison = new Comparison()
if (parts.includes('values') || parts.includes('encodings'))
  await on({ native: await startNative(), ours: await startOurs() }, async both => {
    if (parts.includes('encodings')) await compareEncodings(both)
    if (parts.includes('values')) await compareValues(both)
  })
if (parts.includes('regression')) await on(await startOnRegressionDatabase(), compareRegression)
comparison.print()
process.exit(comparison.differences === 0 ? 0 : 1)

async function on(both: Both, compare: (both: Both) => Promise<void>): Promise<void> {
  try {
    await compare(both)
  } finally {
    await both.ours.stop()
    await both.native.stop()
  }
}

async function compareValues(both: Both): Promise<void> {
  const deadline = performance.now() + milliseconds
  for (const statement of [...TABLES, ...formats()]) await comparison.statement(both, statement)
  for (const statement of formats()) await comparison.statement(both, statement, true)
  const statements = new Statements(new Random(options.seed), await callablesOf(both.native))
  console.log(`${statements.callables.length} functions and operators`)
  for (let round = 0; performance.now() < deadline; round++)
    for (const callable of statements.callables) {
      if (performance.now() > deadline) break
      const call = statements.call(callable)
      if (call !== undefined) await comparison.statement(both, call)
      // Every function is called once before long queries take the time.
      if (round > 0) await comparison.statement(both, statements.query())
    }
}

async function callablesOf(side: Client): Promise<Callable[]> {
  const answer = await side.answer(`select json_agg(c) from (${CALLABLES}) c`)
  if (!('rows' in answer)) throw new Error(answer.message)
  return JSON.parse(answer.rows[0]![0]!) as Callable[]
}

async function compareEncodings(both: Both): Promise<void> {
  for (const encoding of ENCODINGS)
    for (const provider of PROVIDERS) {
      const create = `create database there encoding '${encoding}' ${provider} template template0`
      await comparison.statement(both, create)
      const there = { ours: both.ours.in('there'), native: both.native.in('there') }
      if ('code' in (await both.native.answer('comment on database there is null'))) continue
      for (const statement of statementsIn(encoding)) await comparison.statement(there, statement)
      await Promise.all([there.ours.stop(), there.native.stop()])
      await comparison.statement(both, 'drop database there')
    }
}

async function compareRegression(both: Both): Promise<void> {
  const catalog = await readCatalog(both.native)
  console.log(
    `${catalog.relations.length} tables and views, ${catalog.types.size} types, ${catalog.callables.length} functions and operators`,
  )
  for (const statements of contents(catalog)) await comparison.transaction(both, statements)
  const queries = new Queries(new Random(options.seed), catalog)
  const deadline = performance.now() + milliseconds
  while (performance.now() < deadline) await comparison.transaction(both, queries.statements())
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}
