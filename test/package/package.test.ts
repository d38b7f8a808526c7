/** The npm package, as someone gets it who has Node and nothing else: no toolchain, no repository. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'

const MAXIMUM_SIZE = 14_000_000

interface Packed {
  filename: string
  size: number
  files: { path: string }[]
}

describe('the npm package', () => {
  let folder: string
  let packed: Packed

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'package-test-'))
    const report = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: repository })
    packed = JSON.parse(report.toString())[0]
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${packed.filename}`], {
      cwd: folder,
      stdio: 'pipe',
    })
  }, 120_000)

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('is small and runs nothing when it is installed', () => {
    expect(packed.size).toBeLessThan(MAXIMUM_SIZE)
    const installed = join(folder, 'node_modules', 'pglite-imports-server', 'package.json')
    const { scripts } = JSON.parse(readFileSync(installed, 'utf8'))
    expect(Object.keys(scripts)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/install$|^prepare$/)]),
    )
  })

  test('takes as much as README.md and --help say', () => {
    const readme = readFileSync(join(repository, 'README.md'), 'utf8')
    const said = /^\| size \| (\d+) MB to download, (\d+) MB installed, (\d+) MB with all/m.exec(readme)!
    const [download, installed, all] = said.slice(1).map(Number) as [number, number, number]
    expect(download).toBe(Math.round(packed.size / 1e6))
    for (const [megabytes, place] of [
      [installed, 'node_modules/pglite-imports-server'],
      [all, 'node_modules'],
    ] as const) {
      const kilobytes = Number.parseInt(
        execFileSync('du', ['-sk', place], { cwd: folder, encoding: 'utf8' }),
        10,
      )
      expect(Math.abs((kilobytes * 1024) / 1e6 - megabytes)).toBeLessThan(5)
    }
    const help = execFileSync('npx', ['--no-install', 'pglite-imports-server', '--help'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(help.replaceAll(/\s+/g, ' ')).toContain(`It takes ${all} MB of disk`)
  })

  test('has all that runs and the licences, and nothing that builds it', () => {
    const paths = packed.files.map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'NOTICE', 'wasm/dist/postgres.wasm']))
    expect(
      paths.filter(path =>
        /^dist\/wasm\/build|^dist\/bench|^dist\/test\/|^wasm\/dist\/test|^c\/|^(?!examples\/).*\.ts$(?<!\.d\.ts)/.test(
          path,
        ),
      ),
    ).toEqual([])
  })

  test('has all that its README leads to', () => {
    const installed = join(folder, 'node_modules', 'pglite-imports-server')
    const readme = readFileSync(join(installed, 'README.md'), 'utf8')
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(match => match[1]!)
    expect(links.length).toBeGreaterThan(20)
    expect(links.filter(link => !existsSync(join(installed, link)))).toEqual([])
  })

  test('gives a working npx pglite-imports-server, which Ctrl-C ends', async () => {
    // In a process group of its own, so that the signal goes to npx and to the server, as a terminal sends it.
    const npx = spawn('npx', ['--no-install', 'pglite-imports-server', '-q', '-p', '0'], {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const closed = once(npx, 'close')
    const [line] = await once(npx.stdout, 'data')
    const client = new pg.Client(String(line).trim())
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query('select version()')
    expect(rows[0].version).toMatch(/^PostgreSQL 18\./)
    process.kill(-npx.pid!, 'SIGINT')
    await closed
    await expect(new pg.Client(String(line).trim()).connect()).rejects.toThrow('ECONNREFUSED')
  })

  test('gives npx the programs of PostgreSQL', () => {
    for (const name of ['pg_dump', 'psql', 'createdb']) {
      const told = execFileSync('npx', ['--no-install', '-p', 'pglite-imports-server', name, '--version'], {
        cwd: folder,
      })
      expect(String(told)).toMatch(new RegExp(`^${name} \\(PostgreSQL\\) 18\\.`))
    }
  })

  test('is a library', async () => {
    const script = `
      import { startServer } from 'pglite-imports-server'
      const server = await startServer({ port: 0 })
      console.log(server.url)
      await server.stop()
    `
    writeFileSync(join(folder, 'library.js'), script)
    const output = execFileSync(process.execPath, ['library.js'], { cwd: folder })
    expect(output.toString()).toMatch(/^postgres:\/\/postgres@localhost:\d+\/postgres\n$/)
  })
})
