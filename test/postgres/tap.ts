/**
 * Runs PostgreSQL's tests in Perl. They make and manage servers of their own, by initdb, pg_ctl and postgres on the PATH: a folder
 * with Debian's client programs, in which postgres and initdb are ours.
 */
import { copyFileSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { BuildFailure } from '../../wasm/build/failure.js'
import type { Installation } from './installation.js'
import type { Outcome } from './outcome.js'
import { codeGenerationBan } from './server.js'

/** Seconds after which a file's tests have hung, and that they wait for anything at most. */
const DEADLINE = 15 * 60
const PATIENCE = 90

/** One test. Those of subtests are indented. */
const RESULT = /^(not ok|ok) +\d+(?: - (.*?))?(?: # (skip|todo)\b ?(.*))?$/i
const PLAN = /^1\.\.(\d+)(?: # skip ?(.*))?$/i

/** What scripts may rely on, of the programs as of the server. */
const CONFIGURATION = ['HAVE_LIBZ', 'USE_LZ4', 'USE_ZSTD', 'HAVE_INET_PTON', 'HAVE_SYNCFS']

/** The same of native programs with OpenSSL. */
const OF_OPENSSL = ['HAVE_SSL_CTX_SET_CERT_CB', 'HAVE_X509_GET_SIGNATURE_INFO']

/** Programs of which scripts that test libpq get ours. */
const OWN_CLIENTS = ['psql']

export type Environment = Readonly<Record<string, string>>

/** Which of the servers of a script native PostgreSQL runs: those with a standby.signal when they start, or the others. */
export type NativeRole = 'primaries' | 'standbys'

/**
 * Makes what all files of all suites share.
 *
 * @param native which servers native PostgreSQL runs; by default none
 */
export async function prepareTap(installation: Installation, native?: NativeRole): Promise<Environment> {
  const { outside, programs, pgxs, node } = installation
  const bin = installation.makeFolder('bin')
  for (const name of readdirSync(outside(programs))) copyProgram(outside(programs), outside(bin), name)
  const run = (name: string, ban = codeGenerationBan(installation)) =>
    `exec ${[node, ...ban].join(' ')} ${installation.package}/dist/test/postgres/programs/${name}.js "$@"`
  // pg_ctl starts programs of its own version only, and restarts the one whose path is in postmaster.opts.
  const others = native === undefined ? '' : servedBy(`${programs}/postgres`, native)
  const version = (name: string) => `case "$1" in -V | --version) exec ${programs}/${name} "$1" ;; esac`
  // The ban says on stderr that it holds, and scripts compare what is printed there.
  const setting = `case " $* " in *" -C "*) ${run('postgres', [])} ;; esac`
  const postgres = [version('postgres'), others, setting, run('postgres')].join('\n')
  for (const folder of [bin, `${installation.package}/wasm/dist/bin`]) {
    writeProgram(outside(`${folder}/postgres`), postgres)
    writeProgram(outside(`${folder}/initdb`), `${version('initdb')}\n${run('initdb')}`)
  }
  writeConfiguration(installation, bin, CONFIGURATION)
  const first = installation.makeFolder('bin-first')
  writeProgram(outside(`${first}/pg_ctl`), pgCtl(bin))

  return environmentOf(installation, 'template', {
    PATH: `${first}:${bin}:${join(node, '..')}:/usr/sbin:/usr/bin:/sbin:/bin`,
    PG_REGRESS: `${pgxs}/src/test/regress/pg_regress`,
    REGRESS_SHLIB: `${installation.package}/wasm/dist/lib/regress.so`,
    top_builddir: pgxs,
    share_contrib_dir: `${installation.package}/wasm/dist/share/extension`,
    enable_injection_points: 'no',
    with_icu: 'yes',
    PG_TEST_EXTRA: 'xid_wraparound',
    with_ssl: 'no',
    with_readline: 'yes',
    GZIP_PROGRAM: '/usr/bin/gzip',
    TAR: '/usr/bin/tar',
  })
}

/** The same for scripts that test libpq: their servers are native, and their psql is ours. */
export async function prepareClientTap(installation: Installation): Promise<Environment> {
  const { outside, programs, pgxs, node } = installation
  const bin = installation.makeFolder('bin-clients')
  for (const name of OWN_CLIENTS)
    writeProgram(
      outside(`${bin}/${name}`),
      `exec ${node} ${installation.package}/wasm/dist/commands/${name} "$@"`,
    )
  writeConfiguration(installation, bin, [...CONFIGURATION, ...OF_OPENSSL])
  return environmentOf(installation, 'template-native', {
    PATH: `${bin}:${programs}:/usr/sbin:/usr/bin:/sbin:/bin`,
    PG_REGRESS: `${pgxs}/src/test/regress/pg_regress`,
    with_ssl: 'openssl',
    PG_TEST_EXTRA: 'ssl',
    OPENSSL: '/usr/bin/openssl',
  })
}

/** Scripts ask what the programs were built with, and for constants. Debian has the headers in a package for developers. */
function writeConfiguration(installation: Installation, bin: string, configuration: string[]): void {
  const { outside, source, programs } = installation
  const headers = installation.makeFolder(`include-${basename(bin)}`)
  symlinkSync(`${source}/src/include/access`, outside(`${headers}/access`))
  writeFileSync(outside(`${headers}/pg_config.h`), configuration.map(name => `#define ${name} 1\n`).join(''))
  writeProgram(
    outside(`${bin}/pg_config`),
    `case "$1" in --includedir*) echo ${headers} ;; *) exec ${programs}/pg_config "$@" ;; esac`,
  )
}

/** Adds what all scripts need, and makes the cluster that theirs are copied of, as `make check` does. */
async function environmentOf(
  installation: Installation,
  template: string,
  own: Environment,
): Promise<Environment> {
  const env = {
    INITDB_TEMPLATE: installation.makeFolder(template),
    PGPORT: '65432',
    PG_TEST_PORT_DIR: installation.makeFolder(`ports-${template}`),
    PG_TEST_TIMEOUT_DEFAULT: String(PATIENCE),
    PGCTLTIMEOUT: String(2 * PATIENCE),
    ...own,
  }
  const initdb = installation.spawn(
    ['initdb', '-A', 'trust', '--no-sync', '--lc-messages=C', '--pgdata', env.INITDB_TEMPLATE],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const [output, status] = await Promise.all([
    text(initdb.stderr!),
    new Promise(resolve => initdb.on('close', resolve)),
    text(initdb.stdout!),
  ])
  if (status !== 0) throw new BuildFailure(`initdb ended with ${status}:\n${output}`)
  return env
}

/** Shell commands that have a program run the data directories of servers with that role. */
function servedBy(program: string, role: NativeRole): string {
  return `directory=$PGDATA
for argument; do
  [ "$previous" != -D ] || directory=$argument
  previous=$argument
done
[ ${role === 'standbys' ? '! ' : ''}-e "$directory/standby.signal" ] || exec ${program} "$@"
`
}

/** pg_ctl looks for postgres beside itself, so these cannot be links. */
function copyProgram(from: string, to: string, name: string): void {
  if (name !== 'postgres' && name !== 'initdb') copyFileSync(join(from, name), join(to, name))
}

/** pg_ctl, but `kill` also knows the processes of the servers that the script has made: programs/postgres.ts signals them. */
function pgCtl(bin: string): string {
  return `[ "$1" = kill ] && ! kill -0 "$3" 2> /dev/null || exec ${bin}/pg_ctl "$@"
for file in "$TESTDATADIR"/*/pgdata/postmaster.pid; do
  request="\${file%postmaster.pid}kill.request"
  echo "$2 $3" > "$request"
  kill -USR2 "$(head -1 "$file")"
  for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -e "$request" ] || exit 0
    sleep 0.1
  done
  rm "$request"
done
echo "pg_ctl: no server has a process $3" >&2
exit 1`
}

function writeProgram(file: string, commands: string): void {
  writeFileSync(file, `#!/bin/sh\n${commands}\n`, { mode: 0o755 })
}

/** The files with tests in a folder of the source. */
export function tapFiles({ outside, source }: Installation, folder: string): string[] {
  try {
    return readdirSync(outside(`${source}/${folder}/t`))
      .filter(name => /^\d.*\.pl$/.test(name))
      .sort()
  } catch {
    return []
  }
}

/**
 * Runs files of a folder, a few at a time. A file is one outcome, which is good if it came to its end; each of its tests that
 * failed or was skipped is a further one, named `file: test`.
 *
 * @param results folder that the scripts write to, made by makeFolder()
 */
export async function runTap(
  installation: Installation,
  env: Environment,
  folder: string,
  files: readonly string[],
  results: string,
): Promise<Outcome[]> {
  const outcomes: Outcome[][] = []
  const left = [...files.entries()]
  const runner = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift())
      outcomes[next[0]] = await runFile(installation, env, folder, next[1], results)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, runner))
  return outcomes.flat()
}

async function runFile(
  installation: Installation,
  env: Environment,
  folder: string,
  file: string,
  results: string,
): Promise<Outcome[]> {
  const { source, outside } = installation
  const name = basename(file, '.pl')
  const data = `${results}/${name}`
  const log = `${data}/log/regress_log_${name}`
  const child = installation.spawn(
    [
      ...['setsid', '--wait', 'timeout', '--foreground', '--signal=INT', '--kill-after=20', `${DEADLINE}`],
      ...['env', '-C', `${source}/${folder}`],
      ...['perl', `-I${source}/src/test/perl`, '-I.', `t/${file}`],
    ],
    {
      terminals: true,
      env: { ...env, TESTDATADIR: data, TESTLOGDIR: `${data}/log` },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const outcomes: Outcome[] = []
  let tests = 0
  let planned: number | undefined
  let left: string | undefined
  for (const stream of [child.stdout!, child.stderr!])
    createInterface({ input: stream }).on('line', line => {
      const [, plan, reason] = PLAN.exec(line) ?? []
      if (plan !== undefined) [planned, left] = [Number(plan), reason]
      const [, result, test = '', directive, why = ''] = RESULT.exec(line) ?? []
      if (result === undefined) return
      tests++
      if (/skip/i.test(directive ?? ''))
        outcomes.push({ test: `${name}: ${test || why}`, result: 'skipped', details: [why] })
      else if (result !== 'ok' && directive === undefined)
        outcomes.push({ test: `${name}: ${test}`, result: 'failed', details: [] })
    })
  const status = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve))
  endLeftOvers(outside(data))
  if (left !== undefined) return [{ test: name, result: 'skipped', details: [left] }]
  if (planned !== tests || (status !== 0 && outcomes.every(({ result }) => result !== 'failed')))
    outcomes.unshift({
      test: name,
      result: 'failed',
      details: [
        status === 124 ? `was not done after ${DEADLINE} s` : `ended with ${status}`,
        ...endOf(outside(log)),
      ],
    })
  else outcomes.unshift({ test: name, result: 'passed', details: [] })
  return outcomes
}

/** The last lines that a script has printed. */
function endOf(log: string): string[] {
  try {
    return readFileSync(log, 'utf8').trimEnd().split('\n').slice(-8)
  } catch {
    return []
  }
}

/** Ends servers that a script which died has left. */
function endLeftOvers(data: string): void {
  let nodes: string[] = []
  try {
    nodes = readdirSync(data).filter(name => name.endsWith('_data'))
  } catch {
    // It has made none.
  }
  for (const node of nodes)
    try {
      const pid = Number.parseInt(readFileSync(join(data, node, 'pgdata', 'postmaster.pid'), 'utf8'), 10)
      process.kill(Math.abs(pid), 'SIGQUIT')
    } catch {
      // It has ended.
    }
}
