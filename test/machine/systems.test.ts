/** What only Linux has, and what is done on other systems instead; those branches run on Linux as well. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import {
  hasAbstractSockets,
  hasUnixSockets,
  memoryFolder,
  openFilesLimit,
  throughShortPath,
} from '../../dist/server/linux.js'

const folder = mkdtempSync(join(tmpdir(), 'systems-test-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('only Linux has a folder in memory', () => {
  expect([undefined, '/dev/shm']).toContain(memoryFolder('linux'))
  expect(memoryFolder('darwin')).toBeUndefined()
  expect(memoryFolder('win32')).toBeUndefined()
})

test('the limit of open files is found on each system', () => {
  expect(openFilesLimit('darwin')).toBe(openFilesLimit('linux'))
  expect(openFilesLimit('win32')).toBe(8192)
})

test('which sockets a system has', () => {
  expect(['linux', 'darwin', 'win32'].map(name => hasUnixSockets(name as NodeJS.Platform))).toEqual([
    ...[true, true, false],
  ])
  expect(['linux', 'darwin'].map(name => hasAbstractSockets(name as NodeJS.Platform))).toEqual([true, false])
})

describe.each(['linux', 'darwin'] as const)('a socket in a folder with a long path, on %s', platform => {
  test('can be listened on, and leaves nothing behind but itself', async () => {
    const long = join(folder, platform, 'x'.repeat(200))
    mkdirSync(long, { recursive: true })
    writeFileSync(join(long, 'file'), '')
    const server = createServer()
    let used = ''
    await throughShortPath(
      long,
      async path => {
        used = path
        expect(path.length).toBeLessThan(80)
        expect(existsSync(join(path, 'file'))).toBe(true)
        await new Promise<void>((resolve, reject) => {
          server.once('error', reject)
          server.listen(join(path, 'socket'), resolve)
        })
      },
      platform,
    )
    expect(readdirSync(long).sort()).toEqual(['file', 'socket'])
    expect(existsSync(join(used, 'file'))).toBe(false)
    server.close()
  })
})
