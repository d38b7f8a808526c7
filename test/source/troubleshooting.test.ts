/** docs/guides/troubleshooting.md: the messages that it explains are those that the server gives. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'

const guide = readFileSync(join(repository, 'docs/guides/troubleshooting.md'), 'utf8')

/** The text of all sources of ours, and of PostgreSQL's messages. */
function* sources(): Generator<string> {
  for (const folder of ['server', 'wasm/node', 'wasm/cluster', 'bin'])
    for (const name of readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' }))
      if (name.endsWith('.ts')) yield readFileSync(join(repository, folder, name), 'utf8')
  yield readFileSync(join(repository, 'wasm/dist/postgres.wasm'), 'latin1')
}

/** What a message says between the names in it. */
const parts = [...guide.matchAll(/^\*\*`([^`]+)`/gm)].flatMap(([, message = '']) =>
  message.split(/…,?|"…"|localhost/).flatMap(part => {
    const text = part.trim().replace(/this is 18$/, 'this is ')
    return text === '' ? [] : [text]
  }),
)

test('the server gives all messages that the guide explains', () => {
  const all = [...sources()].join('\n')
  expect(parts.length).toBeGreaterThan(10)
  expect(parts.filter(part => !all.includes(part))).toEqual([])
})
