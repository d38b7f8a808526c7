/** Each patch of PostgreSQL's source says why it exists, and what would make it unnecessary. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const folder = new URL('../../c/patches/', import.meta.url)
const patches = readdirSync(folder).sort()

test('patches are numbered without a gap', () => {
  expect(patches.map(name => Number(name.slice(0, 4)))).toEqual(patches.map((_, i) => i + 1))
})

test.for(patches)('%s says what it does, why, and what would make it unnecessary', name => {
  const text = readFileSync(new URL(name, folder), 'utf8')
  const heading = text.slice(0, text.indexOf('\n--- a/'))
  const [title = '', ...paragraphs] = heading.split('\n\n')
  expect(`${title.toLowerCase().replaceAll(/[ ']/g, c => (c === ' ' ? '-' : ''))}.patch`).toBe(name.slice(5))
  expect(paragraphs.length).toBeGreaterThanOrEqual(2)
  expect(heading).toMatch(/unnecessary/i)
})
