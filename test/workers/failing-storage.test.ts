import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { OPERATIONS } from '../fixtures/file-operations.js'
import type { Trial } from '../fixtures/workerd/failing-storage.js'
import { useRuntime } from '../fixtures/workerd/use-runtime.js'

const entry = fileURLToPath(new URL('../fixtures/workerd/failing-storage.ts', import.meta.url))

const runtime = useRuntime(entry)

describe.each([
  ['with all files', ''],
  ['that leans on a template', '?template'],
])('an operation that fails at any of its changes of a storage %s has changed nothing', (_, search) => {
  test.each(Object.keys(OPERATIONS))('%s', async name => {
    const response = await fetch(`http://127.0.0.1:${runtime().port}/${encodeURIComponent(name)}${search}`)
    const { before, after, failures } = (await response.json()) as Trial
    expect(after).not.toEqual(before)
    expect(failures.length).toBeGreaterThan(0)
    for (const { error, seen, again } of failures) {
      expect(error).toBe('ENOSPC')
      expect(seen).toEqual({ here: before, kept: before })
      expect(again).toEqual({ here: after, kept: after })
    }
  })
})
