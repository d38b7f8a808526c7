/** What a release says of itself: docs/maintaining.md. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../wasm/build/manifest.js'
import { pinOfSource } from '../../wasm/build/pins.js'
import { POSTGRESQL } from '../../wasm/build/source.js'
import { Command } from '../fixtures/command.js'

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
const { version } = JSON.parse(read('package.json')) as { version: string }

describe('the version', () => {
  test("begins with that of the PostgreSQL inside, and then counts this project's releases", () => {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
    const postgres = version.slice(0, version.lastIndexOf('.'))
    expect(pinOfSource(POSTGRESQL).version).toMatch(new RegExp(`^${postgres}-`))
    expect((JSON.parse(read('wasm/dist/manifest.json')) as Manifest).postgresql).toBe(postgres)
  })

  test('is what --version prints', async () => {
    const command = new Command('--version')
    expect(await command.closed).toBe(0)
    expect(command.stdout).toBe(`${version}\n`)
  })

  test.each(['cloudflare', 'cloudflare-vite', 'browser'])('is one that examples/%s takes', example => {
    const { dependencies } = JSON.parse(read(`examples/${example}/package.json`))
    expect(dependencies['pglite-imports-server']).toMatch(
      new RegExp(`^\\^${version.slice(0, version.indexOf('.'))}\\.`),
    )
  })
})

test('the changelog has a section for this version, or for changes that are not released yet', () => {
  const [, newest] = /^## (\S+)/m.exec(read('CHANGELOG.md')) ?? []
  expect(['Unreleased', version]).toContain(newest)
})
