/**
 * The suites there are. A suite is a folder of PostgreSQL's source with tests in it. What they are, and what the server must be
 * set to, is taken from the folder's makefile and so changes with PostgreSQL; what is listed here is only where to look.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { MODULE_FOLDERS, TEST_MODULE_FOLDERS } from '../../wasm/build/modules.js'
import type { Installation } from './installation.js'
import { tapFiles } from './tap.js'

export interface Suite {
  readonly name: string
  /** In PostgreSQL's source. */
  readonly folder: string
}

/** A folder's tests. Each list may be empty. */
export interface Tests {
  /** Arguments of pg_regress: options, and tests or a schedule. */
  readonly regression: readonly string[]
  /** The same of pg_isolation_regress. */
  readonly isolation: readonly string[]
  /** Scripts in Perl that make servers of their own. */
  readonly tap: readonly string[]
  /** Settings that a server needs for the first two. */
  readonly settings: Readonly<Record<string, string>>
  /** What initdb has to be told for the cluster of that server; by default it is a new one as users get it. */
  readonly initdb: readonly string[]
}

/** Tests of the server as such. They name their tests in a schedule rather than in the makefile. */
const CORE: Suite = { name: 'core', folder: 'src/test/regress' }
const ISOLATION: Suite = { name: 'isolation', folder: 'src/test/isolation' }

/** Tests of the server in src/test/modules that need no module of their own. */
const WITHOUT_MODULE = ['brin', 'commit_ts', 'test_misc', 'unsafe_tests']

/** Tests of the server, and of programs that connect to it, that are in Perl only. */
const IN_PERL = [
  ...['authentication', 'icu', 'recovery', 'subscription'].map(name => `src/test/${name}`),
  ...[
    ...[
      'pg_amcheck',
      'pg_archivecleanup',
      'pg_basebackup',
      'pg_checksums',
      'pg_combinebackup',
      'pg_controldata',
    ],
    ...[
      'pg_ctl',
      'pg_dump',
      'pg_resetwal',
      'pg_rewind',
      'pg_test_fsync',
      'pg_upgrade',
      'pg_verifybackup',
      'pg_waldump',
    ],
    ...['pg_walsummary', 'pgbench', 'psql', 'scripts'],
  ].map(name => `src/bin/${name}`),
]

/** Suites in Perl that test libpq and psql with native servers. */
export const OF_CLIENTS = ['src/test/ssl']

/** Suites that rely on what initdb does by default and new clusters of this server have otherwise. */
const INITDB_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  // It expects WAL past 0/1000000, the end of the first segment of PostgreSQL's default size.
  'contrib/test_decoding': ['--wal-segsize=16'],
}

/** All suites, in the order in which they run. */
export function allSuites({ outside, source }: Installation): Suite[] {
  const folders = [
    ...[...MODULE_FOLDERS, ...TEST_MODULE_FOLDERS].filter(folder => folder !== CORE.folder),
    ...WITHOUT_MODULE.map(name => `src/test/modules/${name}`),
    ...IN_PERL,
    ...OF_CLIENTS,
  ]
  return [
    CORE,
    ISOLATION,
    ...folders
      .filter(folder =>
        ['sql', 'specs', 't'].some(kind => existsSync(outside(`${source}/${folder}/${kind}`))),
      )
      .map(folder => ({ name: nameOf(folder), folder }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  ]
}

/** src/pl/plpgsql/src is plpgsql. */
function nameOf(folder: string): string {
  return basename(folder.replace(/\/src$/, ''))
}

/** Asks the makefile of a suite. */
export async function testsOf(installation: Installation, { folder }: Suite): Promise<Tests> {
  const none: Tests = { regression: [], isolation: [], tap: [], settings: {}, initdb: [] }
  if (folder === CORE.folder)
    return {
      ...none,
      regression: ['--max-concurrent-tests=20', '--schedule=parallel_schedule'],
    }
  if (folder === ISOLATION.folder) return { ...none, isolation: ['--schedule=isolation_schedule'] }
  const tap = tapFiles(installation, folder)
  if ([...IN_PERL, ...OF_CLIENTS].includes(folder)) return { ...none, tap }
  const variables = await makeVariables(installation, folder)
  const options = [...words(variables.REGRESS_OPTS), ...words(variables.ISOLATION_OPTS)]
  return {
    regression: argumentsOf(variables.REGRESS_OPTS, variables.REGRESS),
    isolation: argumentsOf(variables.ISOLATION_OPTS, variables.ISOLATION),
    tap,
    settings: settingsIn(installation, configurationFile(options)),
    initdb: INITDB_OPTIONS[folder] ?? [],
  }
}

const VARIABLES = ['REGRESS', 'REGRESS_OPTS', 'ISOLATION', 'ISOLATION_OPTS'] as const

/** Values of a makefile's variables, with the native PostgreSQL's configuration around it. */
async function makeVariables(
  { spawn, pgxs, source }: Installation,
  folder: string,
): Promise<Partial<Record<string, string>>> {
  const print = VARIABLES.map(name => `$(info ${name} $(${name}))`).join('')
  const child = spawn(
    [
      ...['make', '--silent', '--no-print-directory', '-C', `${source}/${folder}`],
      ...['PGXS=1', `top_builddir=${pgxs}`, `top_srcdir=${source}`, 'srcdir=.'],
      ...['--eval', `print-variables: ; ${print}`, 'print-variables'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const lines = (await text(child.stdout!)).split('\n')
  return Object.fromEntries(
    VARIABLES.map(name => [name, lines.find(line => line.startsWith(`${name} `))?.slice(name.length + 1)]),
  )
}

function words(value = ''): string[] {
  return value.split(/\s+/).filter(Boolean)
}

/** Without tests, nothing. The server is given its configuration, for pg_regress starts none, and has the tests' library. */
function argumentsOf(options: string | undefined, tests: string | undefined): string[] {
  if (words(tests).length === 0) return []
  return [
    ...(options ?? '').replace(TEMP_CONFIG, '').replace(LIBRARY_PATH, '').split(/\s+/),
    ...words(tests),
  ].filter(Boolean)
}

const LIBRARY_PATH = /--dlpath[= ]\s*(\S+)/g
const TEMP_CONFIG = /--temp-config[= ]\s*(\S+)/g

function configurationFile(options: string[]): string | undefined {
  return [...options.join(' ').matchAll(TEMP_CONFIG)][0]?.[1]
}

/** Reads lines like those of postgresql.conf. */
function settingsIn({ outside }: Installation, file: string | undefined): Record<string, string> {
  if (file === undefined) return {}
  const lines = readFileSync(outside(file), 'utf8').matchAll(/^\s*([\w.]+)\s*=?\s*(?:'(.*)'|([^\s#]+))/gm)
  return Object.fromEntries([...lines].map(([, name, quoted, plain]) => [name!, quoted ?? plain!]))
}

/** The folders of src/test/modules, to be sure that each is a suite or left out for a reason. */
export function testModules({ outside, source }: Installation): string[] {
  return readdirSync(outside(join(source, 'src/test/modules')), { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
}
