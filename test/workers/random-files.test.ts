import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Comparison } from '../fixtures/workerd/random-files.js'
import { useRuntime } from '../fixtures/workerd/use-runtime.js'

const entry = fileURLToPath(new URL('../fixtures/workerd/random-files.ts', import.meta.url))
const STEPS = 300

const runtime = useRuntime(entry)

test.each([1, 2, 3, 4])(
  'files that lean on a template are those of a file system after any changes, and so are snapshots of them: seed %d',
  async seed => {
    const response = await fetch(`http://127.0.0.1:${runtime().port}/?seed=${seed}&steps=${STEPS}`)
    const { snapshots, differences } = (await response.json()) as Comparison
    expect(differences).toEqual([])
    expect(snapshots).toBeGreaterThan(0)
  },
)
