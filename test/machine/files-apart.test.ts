/** Files that are elsewhere than their paths say: in memory, or where nobody can change them. */
import { expect, test } from 'vitest'
import { memoryVolume } from '../../wasm/machine/volume/memory-files.js'
import { readOnlyFiles } from '../../wasm/machine/volume/read-only-files.js'
import { runningFilesApart } from '../../workers/running-files.js'
import { pattern, READ, write } from '../fixtures/file-operations.js'

function apart() {
  const [kept, memory] = [memoryVolume(), memoryVolume()]
  memory.files().mkdir('/tmp', 0o700)
  const files = runningFilesApart(kept.files(), memory.files())
  for (const folder of ['/base', '/base/5', '/global', '/pg_stat_tmp']) files.mkdir(folder, 0o700)
  return { files, kept: kept.files(), memory: memory.files() }
}

const names = (files: { list(path: string): { name: string }[] }, path: string) =>
  files.list(path).map(({ name }) => name)

test('what only a running server needs is in memory, and all else is not', () => {
  const { files, kept, memory } = apart()
  for (const path of ['/postmaster.pid', '/base/5/pg_internal.init.7', '/base/5/1259', '/PG_VERSION'])
    write(files, path, pattern(100, 1))
  files.rename('/base/5/pg_internal.init.7', '/base/5/pg_internal.init')
  expect(names(kept, '/')).toEqual(['base', 'global', 'pg_stat_tmp', 'PG_VERSION'])
  expect(names(kept, '/base/5')).toEqual(['1259'])
  expect(names(memory, '/tmp')).toEqual(['postmaster.pid', 'base+5+pg_internal.init'])
  expect(files.stat('/base/5/pg_internal.init', true).size).toBe(100)
  const handle = files.open('/postmaster.pid', READ, 0)
  const read = new Uint8Array(100)
  expect(files.read(handle, read, 0, 100, 0)).toBe(100)
  expect(read).toEqual(pattern(100, 1))
  files.close(handle)
  files.unlink('/postmaster.pid')
  expect(() => files.stat('/postmaster.pid', true)).toThrow('ENOENT')
})

test('the init file of a database goes with its directory', () => {
  const { files, memory } = apart()
  write(files, '/base/5/pg_internal.init', pattern(10, 1))
  files.rmdir('/base/5')
  expect(names(memory, '/tmp')).toEqual([])
  files.mkdir('/base/5', 0o700)
  files.rmdir('/base/5')
  expect(() => files.rmdir('/base/5')).toThrow('ENOENT')
})

test('files that are only read are refused to whoever would change them', () => {
  const volume = memoryVolume()
  write(volume.files(), '/one', pattern(10, 1))
  const files = readOnlyFiles(volume.files())
  const handle = files.open('/one', READ, 0)
  expect(files.read(handle, new Uint8Array(10), 0, 10, 0)).toBe(10)
  for (const change of [
    () => files.open('/one', { ...READ, write: true }, 0),
    () => files.open('/two', { ...READ, create: true }, 0),
    () => files.open('/one', { ...READ, truncate: true }, 0),
    () => files.write(handle, new Uint8Array(1), 0, 1, 0),
    () => files.truncate(handle, 0),
    () => files.unlink('/one'),
    () => files.rename('/one', '/two'),
    () => files.mkdir('/folder', 0o700),
    () => files.chmod('/one', 0o700),
  ])
    expect(change).toThrow('EROFS')
  expect(names(volume.files(), '/')).toEqual(['one'])
})
