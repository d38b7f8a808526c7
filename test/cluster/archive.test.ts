/** Archives that are no whole ones, and come as slowly as from a network: the import ends, and there is no data directory. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { importDataDirectory } from 'pglite-imports-server'
import { pack } from 'tar-stream'
import { afterAll, beforeAll, expect, test } from 'vitest'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** An archive of two files. The second one's header begins at SECOND_HEADER. */
async function twoFiles(): Promise<Uint8Array> {
  const tar = pack()
  tar.entry({ name: 'PG_VERSION' }, '18\n')
  tar.entry({ name: 'postgresql.conf' }, '#'.repeat(2000))
  tar.finalize()
  return new Uint8Array(await buffer(tar as AsyncIterable<Buffer>))
}
const SECOND_HEADER = 1024

const PAUSE = 50
const REST = new Uint8Array(1_000_000)

/** Calls each step for what comes next, with pauses between them. */
function stream(steps: readonly (() => Uint8Array | Promise<never>)[]): ReadableStream<Uint8Array> {
  const rest = steps.values()
  return new ReadableStream(
    {
      async pull(controller) {
        const { value: step } = rest.next()
        if (step === undefined) return controller.close()
        controller.enqueue(await step())
        await new Promise(resolve => setTimeout(resolve, PAUSE))
      },
    },
    { highWaterMark: 0 },
  )
}

const broken = () => Promise.reject(new Error('the network is gone'))
const silent = () => new Promise<never>(() => {})

test.each([
  ['a damaged one of which more comes', [() => REST, () => REST]],
  ['a damaged one of which no more comes', [silent]],
])('%s', async (_, rest) => {
  const bytes = await twoFiles()
  bytes[SECOND_HEADER]! ^= 1
  const target = join(folder, 'damaged')
  const imported = importDataDirectory(target, stream([() => bytes, ...rest]))
  await expect(imported).rejects.toThrow(/this is not an archive of a data directory: Invalid tar header/)
  expect(existsSync(target)).toBe(false)
})

test.each([
  ['at once', 0],
  ['in a header', SECOND_HEADER + 10],
  ['in a file', SECOND_HEADER + 600],
])('one whose source fails %s', async (_, length) => {
  const bytes = await twoFiles()
  const target = join(folder, 'broken')
  const steps = length === 0 ? [broken] : [() => bytes.subarray(0, length), broken]
  await expect(importDataDirectory(target, stream(steps))).rejects.toThrow(/the network is gone/)
  expect(existsSync(target)).toBe(false)
})
