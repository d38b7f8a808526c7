import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Comparison } from '../fixtures/workerd/random-files.js'
import { makeRuntimeFolder, type Runtime, startRuntime } from '../fixtures/workerd/runtime.js'

const entry = fileURLToPath(new URL('../fixtures/workerd/random-files.ts', import.meta.url))
const STEPS = 300

let folder = ''
let runtime: Runtime
beforeAll(async () => {
  folder = await makeRuntimeFolder(entry)
  runtime = await startRuntime(folder, () => {})
})
afterAll(async () => {
  const ended = new Promise(resolve => runtime.child.once('exit', resolve))
  runtime.child.kill()
  await ended
  rmSync(folder, { recursive: true })
})

test.each([1, 2, 3, 4])(
  'files that lean on a template are those of a file system after any changes, and so are snapshots of them: seed %d',
  async seed => {
    const response = await fetch(`http://127.0.0.1:${runtime.port}/?seed=${seed}&steps=${STEPS}`)
    const { snapshots, differences } = (await response.json()) as Comparison
    expect(differences).toEqual([])
    expect(snapshots).toBeGreaterThan(0)
  },
)
