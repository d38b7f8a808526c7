/** `npm run bench`: measures this project's server against native PostgreSQL and PGlite. See README.md beside this file. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { BuildFailure } from '../wasm/build/failure.js'
import { repository } from '../wasm/build/paths.js'
import { runAnalytic } from './analytic.js'
import { measureApplication } from './application.js'
import type { Bench, Running } from './bench.js'
import { query } from './client.js'
import { measureConnections } from './connections.js'
import { runCopy } from './copy.js'
import { measureDatabases } from './databases.js'
import { measureDecisions } from './decisions.js'
import { embedded } from './embedded.js'
import { verdicts } from './goals.js'
import { describeMachine, measurePingPong } from './machine.js'
import { measureMaintenance } from './maintenance.js'
import { measureMemory } from './memory.js'
import { native } from './native.js'
import { getNativeTree } from './native-tree.js'
import { ours } from './ours.js'
import { initialise, runScript } from './pgbench.js'
import { pglite } from './pglite.js'
import { gaps, tableHead, tableRow, unsteady, verdictLine } from './report.js'
import { measureStarts } from './starts.js'
import type { System, SystemName } from './system.js'

/** Groups of measurements that make their own servers, in the order in which they run. */
const ON_NEW_SERVERS = { start: measureStarts, memory: measureMemory, databases: measureDatabases }

/** Groups that share one server of each system. */
const ON_RUNNING_SERVERS = {
  connect: measureConnections,
  init: async () => {}, // made before whatever needs its tables, in any case
  select: (bench: Bench, running: Running[]) => runScript(bench, running, 'select-only'),
  tpcb: (bench: Bench, running: Running[]) => runScript(bench, running, 'TPC-B'),
  application: measureApplication,
  analytic: runAnalytic,
  decisions: measureDecisions,
  maintenance: measureMaintenance,
  copy: runCopy,
}

const GROUPS = [...Object.keys(ON_NEW_SERVERS), ...Object.keys(ON_RUNNING_SERVERS)]
const NEED_TABLES = ['init', 'select', 'tpcb', 'application']
const SYSTEMS: readonly SystemName[] = ['ours', 'native', 'pglite', 'embedded']

/** It is native PostgreSQL once more, so it is only there for those who choose between databases for tests. */
const ONLY_WITH: Partial<Record<SystemName, string>> = { embedded: 'databases' }

/** Settings that decide how comparable the systems are; those that differ are printed. */
const TELLING_SETTINGS = [
  ...['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'wal_level', 'wal_segment_size'],
  ...['shared_buffers', 'max_wal_size', 'work_mem', 'io_method', 'autovacuum', 'jit', 'max_connections'],
]

interface Options {
  only: string[]
  systems?: string[]
  quick?: true
  rounds?: number
  node: string
  check?: true
}

const options = new Command('npm run bench --')
  .description("Measures this project's server, native PostgreSQL 18 and PGlite side by side.")
  .option('--only <names>', `groups to run, of ${GROUPS.join(', ')}`, listOf(GROUPS), GROUPS)
  .option('--systems <names>', `systems to run, of ${SYSTEMS.join(', ')}`, listOf(SYSTEMS))
  .option('--quick', 'short runs and little data: to see that everything works, not to be quoted')
  .option('--rounds <number>', 'how many times each measurement is made (default: 3, quick 1)', wholeNumber)
  .option('--node <program>', 'the Node that runs our server', process.execPath)
  .option('--check', 'exit with 1 if a goal is missed')
  .helpOption('--help', 'print this help')
  .allowExcessArguments(false)
  .parse()
  .opts<Options>()

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error
  console.error(`benchmark failed: ${error.message}`)
  process.exitCode = 1
}
process.exit()

async function main(): Promise<number> {
  const date = new Date()
  const tree = await getNativeTree()
  const makers = {
    ours: () => ours(options.node),
    native: () => native(tree),
    pglite,
    embedded: () => embedded(tree),
  }
  const systems: System[] = []
  for (const name of SYSTEMS.filter(isChosen)) systems.push(await makers[name]())
  const bench: Bench = {
    tree,
    systems,
    rounds: options.rounds ?? (options.quick ? 1 : 3),
    ...(options.quick ? { warmUp: 2, seconds: 5, amount: 0.1 } : { warmUp: 5, seconds: 10, amount: 1 }),
    measurements: [],
    notes: [],
    onMeasured: measurement => console.log(tableRow(systems, measurement)),
  }
  const machine = describeMachine(options.node)
  console.log(`${machine.processor}, ${machine.cores} cores, ${machine.memory}, Linux ${machine.kernel}`)
  console.log(
    `${machine.distribution}, Node ${machine.node}, load ${machine.load.toFixed(2)} before the start`,
  )
  console.log(
    `two native processes send each other a byte and back in ${(await measurePingPong(tree)).toFixed(1)} µs`,
  )
  for (const { name, label } of systems) console.log(`${name.padEnd(7)} ${label}`)
  console.log(`\n${tableHead(systems)}`)

  for (const [name, measure] of Object.entries(ON_NEW_SERVERS)) {
    if (options.only.includes(name)) await measure(bench)
  }
  const settings = await measureRunning(bench)

  const node = Number(/\d+/.exec(machine.node)?.[0])
  const goals = systems.some(({ name }) => name === 'ours') ? verdicts(bench.measurements, node) : []
  const remarks = [
    ...gaps(bench.measurements),
    ...unsteady(bench.measurements),
    ...bench.notes,
    ...differences(settings),
  ]
  for (const remark of ['', ...remarks]) console.log(remark)
  if (goals.length > 0) console.log(['\nGoals:', ...goals.map(verdictLine)].join('\n'))

  const file = join(
    repository,
    'bench',
    'results',
    `${date.toISOString().slice(0, 19).replaceAll(':', '-')}.json`,
  )
  const { rounds, warmUp, seconds, amount, measurements, notes } = bench
  const labels = Object.fromEntries(systems.map(({ name, label }) => [name, label]))
  const run = {
    date,
    machine,
    systems: labels,
    rounds,
    warmUp,
    seconds,
    amount,
    settings,
    measurements,
    notes,
    goals,
  }
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, `${JSON.stringify(run, null, 2)}\n`)
  console.log(`\nAll values are in ${relative(process.cwd(), file)}`)
  return options.check && (goals.some(({ met }) => !met) || notes.length > 0) ? 1 : 0
}

/** By default all, except those that are only there with one group. */
function isChosen(name: SystemName): boolean {
  const group = ONLY_WITH[name]
  return options.systems?.includes(name) ?? (group === undefined || options.only.join() === group)
}

type Settings = Partial<Record<SystemName, Record<string, string>>>

/** Runs the groups that share servers. Resolves with each system's version and telling settings. */
async function measureRunning(bench: Bench): Promise<Settings> {
  const settings: Settings = {}
  const groups = Object.entries(ON_RUNNING_SERVERS).filter(([name]) => options.only.includes(name))
  if (groups.length === 0) return settings
  const running: Running[] = []
  try {
    for (const system of bench.systems) {
      const directory = system.makeDirectory(`run-${system.name}`)
      const server = await system.start(directory)
      running.push({ system, directory, server })
      settings[system.name] = await settingsOf(server.port)
    }
    if (groups.some(([name]) => NEED_TABLES.includes(name))) await initialise(bench, running)
    for (const [, measure] of groups) await measure(bench, running)
  } finally {
    for (const { system, directory, server } of running) {
      await server.stop()
      system.removeDirectory(directory)
    }
  }
  return settings
}

async function settingsOf(port: number): Promise<Record<string, string>> {
  const names = TELLING_SETTINGS.map(name => `'${name}'`).join(', ')
  const rows = await query(
    port,
    `select 'version' as name, version() as value
     union all select name, current_setting(name) from pg_settings where name in (${names})`,
  )
  return Object.fromEntries(rows.map(({ name, value }) => [String(name), String(value)]))
}

function differences(settings: Settings): string[] {
  return TELLING_SETTINGS.flatMap(name => {
    const values = Object.entries(settings).map(([system, its]) => [system, its[name] ?? 'none'] as const)
    if (new Set(values.map(([, value]) => value)).size < 2) return []
    return `${name} differs: ${values.map(([system, value]) => `${system} ${value}`).join(', ')}`
  })
}

function listOf(names: readonly string[]): (text: string) => string[] {
  return text => {
    const chosen = text.split(',')
    const unknown = chosen.find(name => !names.includes(name))
    if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${names.join(', ')}.`)
    return chosen
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('It must be a whole number above 0.')
  return Number(text)
}
