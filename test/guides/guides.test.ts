/** docs/guides: each is followed, in a folder of its own, with the packed package. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../bench/system.js'
import { repository } from '../../wasm/build/paths.js'
import { installDebianPackages } from '../fixtures/debian-packages.js'
import { follow, stepsOf } from '../fixtures/guide.js'

const GUIDES = join(repository, 'docs/guides')

/** What these guides say is done by other tests: test/projects/nextjs.test.ts, test/projects/electron.test.ts, test/bundles. */
const ELSEWHERE = ['bundlers.md', 'electron.md', 'index.md', 'nextjs.md']

/** What the guides install by pip, bundler, go and Maven, which not every machine for tests reaches. */
const DEBIAN = [
  ...['python3-django', 'python3-psycopg', 'python3-psycopg2', 'python3-pytest', 'python3-sqlalchemy'],
  ...['ruby-pg', 'ruby-activerecord', 'ruby-minitest'],
  ...['golang-go', 'golang-github-lib-pq-dev', 'default-jdk-headless', 'libpostgresql-jdbc-java'],
]

/** Those that install no other package than this and a driver. */
const LIGHT = ['docker.md', 'embedded-postgres.md', 'github-actions.md', 'node-test.md', 'troubleshooting.md']

const all = process.env.GUIDES === 'all'

let place: string
let archive: string
beforeAll(async () => {
  if (all) installDebianPackages(DEBIAN)
  place = mkdtempSync(join(tmpdir(), 'guides-'))
  const packed = await promisify(execFile)('npm', ['pack', '--json', '--pack-destination', place], {
    cwd: repository,
  })
  archive = join(place, (JSON.parse(packed.stdout) as [{ filename: string }])[0].filename)
}, 600_000)
afterAll(() => rmSync(place, { recursive: true, force: true, maxRetries: 5 }))

const guides = readdirSync(GUIDES).filter(
  name => name.endsWith('.md') && !ELSEWHERE.includes(name) && (all || LIGHT.includes(name)),
)

test.each(guides)(
  '%s works as it is written',
  async guide => {
    const text = readFileSync(join(GUIDES, guide), 'utf8')
    expect(stepsOf(text).filter(({ kind }) => kind === 'run')).not.toEqual([])
    const folder = join(place, guide.replace('.md', ''))
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
    await follow(join(GUIDES, guide), folder, archive, {
      PGPORT: String(await freePort()),
      CI: '1',
      NO_COLOR: '1',
      PGLITE_IMPORTS_KERNEL: undefined,
      NODE_OPTIONS: undefined,
      ...Object.fromEntries(
        Object.keys(process.env)
          .filter(name => /^VITEST|^TEST$|^NODE_ENV$/.test(name))
          .map(name => [name, undefined]),
      ),
      // Debian's Python, Ruby, Go and Java, with its packages.
      PATH: `/usr/bin:${process.env.PATH}`,
      CLASSPATH: '/usr/share/java/postgresql.jar:.',
      ...{ GOPATH: '/usr/share/gocode', GO111MODULE: 'off', GOCACHE: join(place, 'go') },
      PRISMA_SCHEMA_ENGINE_BINARY: join(repository, 'test/fixtures/prisma/schema-engine.mjs'),
      npm_config_ignore_scripts: 'true',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_prefer_offline: 'true',
      npm_config_loglevel: 'error',
    })
    rmSync(folder, { recursive: true, force: true })
  },
  600_000,
)
