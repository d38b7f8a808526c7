/** What the build is made from: the versions and SHA-256 that wasm/build/pins.json names, and nothing else. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fetchPin } from '../../wasm/build/archive.js'
import { EXTENSION_PACKAGES } from '../../wasm/build/extensions.js'
import { LIBRARIES } from '../../wasm/build/libraries.js'
import { LOCALES_PACKAGE } from '../../wasm/build/locales.js'
import type { Manifest } from '../../wasm/build/manifest.js'
import { readPins } from '../../wasm/build/pins.js'
import { POSTGRESQL } from '../../wasm/build/source.js'

describe("the build's inputs", () => {
  const { sources, packages, toolchain } = readPins()

  test('are all pinned, and no others', () => {
    const libraries = LIBRARIES.flatMap(library => library.package ?? [])
    const extensions = EXTENSION_PACKAGES.map(extension => extension.package)
    expect(Object.keys(sources)).toEqual([POSTGRESQL, ...libraries, ...extensions].sort())
    for (const pins of Object.values(toolchain))
      expect(Object.keys(pins)).toEqual(
        expect.arrayContaining([
          'binaryen',
          'bison',
          'emscripten',
          'flex',
          expect.stringMatching(/^clang-\d+$/),
        ]),
      )
    expect(Object.keys(packages)).toEqual([LOCALES_PACKAGE])
    for (const pin of [sources, packages, ...Object.values(toolchain)].flatMap(pins => Object.values(pins)))
      for (const hash of Object.values(pin.files)) expect(hash).toMatch(/^[0-9a-f]{64}$/)
  })

  test('are what wasm/dist was made from', () => {
    const manifest: Manifest = JSON.parse(
      readFileSync(new URL('../../wasm/dist/manifest.json', import.meta.url), 'utf8'),
    )
    expect(manifest.sourcePackage).toBe(sources[POSTGRESQL]?.version)
    for (const [name, version] of Object.entries(manifest.libraries))
      expect(`${name} ${version}`).toBe(`${name} ${sources[name]?.version}`)
    const { emscripten } = toolchain.amd64!
    expect(emscripten?.version).toContain(`${manifest.toolchain.emscripten}+`)
  })
})

describe('a pinned file', () => {
  let folder: string
  let server: Server
  let mirror: string
  const content = 'the source of something'
  const sha256 = createHash('sha256').update(content).digest('hex')

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'inputs-'))
    server = createServer((request, response) => {
      const present = request.url === '/pool/some_1%2B2.dsc'
      response.writeHead(present ? 200 : 404).end(present ? content : '')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })

  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  const fetch = (files: Record<string, string>, mirrors = [mirror]) =>
    fetchPin('', 'some', { version: '1+2', files }, folder, mirrors)

  test('is downloaded from whichever mirror has it', async () => {
    const [path] = await fetch({ 'pool/some_1+2.dsc': sha256 }, [`${mirror}/other`, mirror])
    expect(readFileSync(path!, 'utf8')).toBe(content)
  })

  test('is refused when its SHA-256 differs', async () => {
    const promise = fetch({ 'pool/some_1+2.dsc': sha256.replace(/^./, c => (c === '0' ? '1' : '0')) })
    await expect(promise).rejects.toThrow(
      /some_1\+2\.dsc of some 1\+2 has another SHA-256 than wasm\/build\/pins\.json says/,
    )
  })

  test('is named, with the commands that help, when the archive no longer has it', async () => {
    await expect(fetch({ 'pool/some_0.dsc': sha256 })).rejects.toThrow(
      /does not have some_0\.dsc of some 1\+2.*\n.*inputs:check.*inputs:update/,
    )
  })

  test('is not reported as gone when the network fails', async () => {
    await expect(fetch({ 'pool/some_1+2.dsc': sha256 }, ['http://127.0.0.1:1'])).rejects.toThrow(
      /could not download some_1\+2\.dsc of some 1\+2 \(is the network reachable\?\)/,
    )
  })
})
