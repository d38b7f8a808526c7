/** The API reference: everything that the package exports says what it is, and no link in it is dead. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'

test('TypeDoc finds a docstring for all that is exported, and nothing to warn of', () => {
  const typedoc = join(repository, 'node_modules/.bin/typedoc')
  const output = execFileSync(typedoc, ['--options', 'docs/typedoc.json', '--emit', 'none'], {
    cwd: repository,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  expect(output).not.toMatch(/warning|error/)
})
