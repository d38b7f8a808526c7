/**
 * `npm run test:differential`: executes the same statements here and on native PostgreSQL 18, and compares what they return: rows, types of
 * columns, and errors with SQLSTATE, message and position. See README.md beside this file.
 */
import { Command, InvalidArgumentError } from 'commander'
import { Random } from '../fixtures/random.js'
import { KNOWN, reasonFor } from './known.js'
import { type Answer, CANCELLED, type Side, startNative, startOurs } from './servers.js'
import { CALLABLES, type Callable, formats, Statements, TABLES } from './statements.js'

const MINUTE = 60
const LONG = 20 * MINUTE

/** How many differences are printed. */
const PRINTED = 40

interface Options {
  seconds?: number
  long?: true
  seed: number
}

const options = new Command('npm run test:differential --')
  .description('Compares what statements return here and on native PostgreSQL 18.')
  .option('--long', 'for 20 minutes')
  .option('--seconds <number>', 'how long (default: 60)', wholeNumber)
  .option(
    '--seed <number>',
    'for the same statements as in an earlier run',
    wholeNumber,
    Date.now() % 1_000_000,
  )
  .helpOption('--help', 'print this help')
  .parse()
  .opts<Options>()

console.log(`seed ${options.seed}`)
const native = await startNative()
const ours = await startOurs()
const reasons = new Map<string, number>()
let [compared, errors, differences] = [0, 0, 0]
try {
  await compareAll({ ours, native }, (options.seconds ?? (options.long ? LONG : MINUTE)) * 1000)
} finally {
  await ours.stop()
  await native.stop()
}
console.log(`${compared} statements compared, of which ${errors} fail natively as well`)
for (const { reason } of KNOWN) console.log(`${reasons.get(reason) ?? 0} differ in ${reason}`)
console.log(differences === 0 ? 'no other difference' : `${differences} other differences`)
process.exit(differences === 0 ? 0 : 1)

async function compareAll(sides: { ours: Side; native: Side }, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds
  for (const statement of [...TABLES, ...formats()]) await compare(sides, statement)
  const statements = new Statements(new Random(options.seed), await callablesOf(sides.native))
  console.log(`${statements.callables.length} functions and operators`)
  for (let round = 0; performance.now() < deadline; round++)
    for (const callable of statements.callables) {
      if (performance.now() > deadline) break
      const call = statements.call(callable)
      if (call !== undefined) await compare(sides, call)
      // Every function is called once before long queries take the time.
      if (round > 0) await compare(sides, statements.query())
    }
}

async function callablesOf(side: Side): Promise<Callable[]> {
  const answer = await side.answer(`select json_agg(c) from (${CALLABLES}) c`)
  if (!('rows' in answer)) throw new Error(answer.message)
  return JSON.parse(answer.rows[0]![0]!) as Callable[]
}

async function compare({ ours, native }: { ours: Side; native: Side }, statement: string): Promise<void> {
  const [here, there] = await Promise.all([ours.answer(statement), native.answer(statement)])
  if ([here, there].some(answer => 'code' in answer && answer.code === CANCELLED)) return
  compared++
  if ('code' in there) errors++
  if (JSON.stringify(here) === JSON.stringify(there)) return
  const reason = reasonFor(statement, here, there)
  if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  else if (differences++ < PRINTED)
    console.log(`\n${statement};\n  here:     ${shown(here)}\n  natively: ${shown(there)}`)
}

function shown(answer: Answer): string {
  return JSON.stringify(answer).slice(0, 600)
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.')
  return Number(text)
}
