/** Paths of Windows' as processes see them: they lead where the host's do, and what they are compared with is written in one way. */
import { posix, win32 } from 'node:path'
import { describe, expect, test } from 'vitest'
import { windowsPaths } from '../../dist/wasm/node/paths.js'
import { Random } from '../fixtures/random.js'

const { posixPath, hostPath, hostPathIn } = windowsPaths

test.each([
  ['C:\\Users\\me\\data', '/c/Users/me/data', 'C:\\Users\\me\\data'],
  ['d:/data/', '/d/data', 'D:\\data'],
  ['C:\\', '/c', 'C:\\'],
  ['C:', '/c', 'C:\\'],
  ['\\\\server\\share\\data', '/unc/server/share/data', '\\\\server\\share\\data'],
  ['\\\\?\\C:\\data', '/c/data', 'C:\\data'],
  ['\\\\?\\UNC\\server\\share\\data', '/unc/server/share/data', '\\\\server\\share\\data'],
  ['/c/data/../other//x/.', '/c/other/x', 'C:\\other\\x'],
  ['/dev/null', '/dev/null', '\\\\.\\NUL'],
])('%s is %s to processes', (path, seen, host) => {
  expect(posixPath(path)).toBe(seen)
  expect(posixPath(seen)).toBe(seen)
  expect(hostPath(seen)).toBe(host)
})

test.each([
  ['/c/folder/C:\\data\\file', '/c/data/file'],
  ['/c/folder/d:/data', '/d/data'],
  ['/c/data/base\\..\\..\\other', '/c/other'],
  ['/c/data/../../../..', '/'],
])('%s, of a working directory and a name, leads to %s and nowhere else', (path, seen) => {
  expect(posixPath(path)).toBe(seen)
})

test.each([
  ['/', 'ENOENT'],
  ['/etc/passwd', 'ENOENT'],
  ['/unc/server', 'ENOENT'],
  ['/dev/tty', 'ENOENT'],
  ['/c/data/PG_VERSION:stream', 'EINVAL'],
  ['/c/data/*', 'EINVAL'],
])('%s is nowhere: %s', (path, code) => {
  expect(() => hostPath(path)).toThrow(expect.objectContaining({ code }))
})

test.each([
  ['pg_hba.conf', 'C:\\data\\pg_hba.conf'],
  ['../pg_hba.conf', 'C:\\pg_hba.conf'],
  ['/d/pg_hba.conf', 'D:\\pg_hba.conf'],
  ['D:\\pg_hba.conf', 'D:\\pg_hba.conf'],
  ['\\\\server\\share\\pg_hba.conf', '\\\\server\\share\\pg_hba.conf'],
])('%s in a configuration file of C:\\data is %s', (name, path) => {
  expect(hostPathIn('C:\\data', name)).toBe(path)
})

describe('whatever a path is made of', () => {
  const random = new Random(20)
  const parts = [
    'a',
    'B',
    '..',
    '.',
    '/',
    '\\',
    'c:',
    'D:/',
    '\\\\',
    'unc',
    '//',
    '?',
    'x y',
    'é',
    'CON',
    '.',
  ]
  const made = Array.from({ length: 20_000 }, () => {
    const path = Array.from({ length: 1 + random.below(8) }, () => random.one(parts)).join('')
    return random.chance(0.5) ? `/c/data/${path}` : path
  })

  test('processes see it as an absolute path without . and .., written in one way', () => {
    for (const path of made) {
      const seen = posixPath(path)
      expect(posix.resolve('/', seen)).toBe(seen)
      expect(seen).not.toContain('\\')
      expect(posixPath(seen)).toBe(seen)
    }
  })

  test('it leads to the file that processes see by it, and no part of it leads elsewhere', () => {
    for (const path of made) {
      let host: string
      try {
        host = hostPath(posixPath(path))
      } catch {
        continue
      }
      expect(win32.isAbsolute(host)).toBe(true)
      expect(posixPath(win32.resolve(host))).toBe(posixPath(path))
    }
  })
})
