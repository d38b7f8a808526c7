/**
 * A whole cluster as one file: a tar archive of its data directory, compressed by gzip or not. Its format does not depend on where
 * the cluster is kept.
 */
import { type Entry, type Extract, extract, type Header, type Pack, pack } from 'tar-stream'
import type { FileLayer } from '../machine/host/file-layer.js'
import { StartupError } from './startup-error.js'

/** Files of a running server, which would be wrong elsewhere. */
const NOT_EXPORTED = new Set(['postmaster.pid', 'postmaster.opts'])
/** Temporary files, of sessions that have ended. */
const TEMPORARY = /(^|\/)pgsql_tmp\//

/** How many bytes of a file are read at a time. */
const CHUNK = 128 * 1024

const READ = {
  read: true,
  write: false,
  create: false,
  exclusive: false,
  truncate: false,
  append: false,
  noFollow: false,
  sync: false,
}
const CREATE = { ...READ, read: false, write: true, create: true, exclusive: true }

/**
 * The archive of the data directory `root`. No server may run on it, because the archive would have a part of its changes. The
 * files are read while the stream is read. An error ends the stream.
 *
 * @param done called when all has been read, or the stream has been cancelled
 * @param check called before the archive is complete; if it throws, the stream fails
 */
export function exportFiles(
  files: FileLayer,
  root: string,
  done: () => void,
  check: () => void = () => {},
): ReadableStream<Uint8Array> {
  return archiveOf(files, root, done, check).pipeThrough(new CompressionStream('gzip'))
}

/** The same, not compressed. */
export function archiveOf(
  files: FileLayer,
  root: string,
  done: () => void,
  check: () => void,
): ReadableStream<Uint8Array> {
  const archive = pack()
  void addAll(archive, files, root, check).catch(error => archive.destroy(error as Error))
  const chunks = archive[Symbol.asyncIterator]()
  archive.once('close', done)
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done: ended, value } = await chunks.next()
      if (ended) controller.close()
      else controller.enqueue(value)
    },
    cancel: reason => archive.destroy(reason instanceof Error ? reason : null),
  })
}

/** Bytes of a block of a tar archive, and of the zeros at its end. */
const BLOCK = 512
const LAST_BLOCKS = 2

/** How long archiveOf() is. Names in a data directory are short, so each file has one block as header. */
export function archiveLength(files: FileLayer, root: string): number {
  let blocks = LAST_BLOCKS
  for (const { size } of filesBelow(files, root, '')) blocks += 1 + Math.ceil(size / BLOCK)
  return blocks * BLOCK
}

async function addAll(archive: Pack, files: FileLayer, root: string, check: () => void): Promise<void> {
  for (const { name, type, size } of filesBelow(files, root, '')) {
    if (archive.destroyed) return
    const mode = type === 'file' ? 0o600 : 0o700
    const entry = archive.entry({ name, type, size, mode, mtime: new Date() })
    if (type === 'directory') continue
    const handle = files.open(`${root}/${name}`, READ, 0)
    try {
      for (let position = 0; position < size && !archive.destroyed; position += CHUNK) {
        const chunk = new Uint8Array(Math.min(CHUNK, size - position))
        files.read(handle, chunk, 0, chunk.length, position)
        if (!entry.write(chunk)) await settled(entry, 'drain')
      }
    } finally {
      files.close(handle)
    }
    entry.end(null)
    await settled(entry, 'finish')
  }
  check()
  archive.finalize()
}

/** Resolves at this event of the stream, or when the stream is closed. */
function settled(stream: Stream, event: string): Promise<void> {
  // 'close' may have been emitted already.
  if (stream.destroying) return Promise.resolve()
  return new Promise(resolve => {
    const done = () => {
      stream.off(event, done)
      stream.off('close', done)
      resolve()
    }
    stream.on(event, done)
    stream.on('close', done)
  })
}

interface Stream {
  readonly destroying: boolean
  on(event: string, listener: () => void): unknown
  off(event: string, listener: () => void): unknown
}

const isWal = ({ name }: { name: string }) => name === 'pg_wal'

function* filesBelow(
  files: FileLayer,
  root: string,
  folder: string,
): Generator<{ name: string; type: 'file' | 'directory'; size: number }> {
  // The WAL first: it changes most while the rest is read.
  const entries = files.list(`${root}/${folder}`)
  for (const { name: last, type } of [...entries.filter(isWal), ...entries.filter(entry => !isWal(entry))]) {
    const name = folder === '' ? last : `${folder}/${last}`
    if (NOT_EXPORTED.has(name) || TEMPORARY.test(name) || type === 'other') continue
    if (type === 'link') {
      throw new StartupError(
        `"${name}" is a tablespace outside of the data directory: move its objects to pg_default, and drop it`,
      )
    }
    yield { name, type, size: type === 'file' ? files.stat(`${root}/${name}`, true).size : 0 }
    if (type === 'directory') yield* filesBelow(files, root, name)
  }
}

/** Where a symbolic link leads out of a data directory that has a tablespace. */
const TABLESPACE = /^pg_tblspc\/\d+$/

/**
 * Puts the files of an archive into an empty directory.
 *
 * @param tablespacesInside whether tablespaces may be directories instead of links; other archives then have their files
 * @throws StartupError when this is no archive, or it holds something else than the files of a data directory; or the error of
 *   `files`, for example ENOSPC
 */
export async function importFiles(
  files: FileLayer,
  root: string,
  archive: ReadableStream<Uint8Array>,
  tablespacesInside = false,
): Promise<void> {
  const chunks = (await uncompressed(archive)).getReader()
  const entries = extract()
  const pumped = pump(chunks, entries)
  try {
    for await (const entry of entries) await importEntry(files, root, entry, tablespacesInside)
    await pumped
  } catch (error) {
    // Not awaited: the sender of the archive may never send the rest.
    void chunks.cancel(error).catch(() => {})
    if (error instanceof StartupError || isOfFiles(error)) throw error
    throw new StartupError(`this is not an archive of a data directory: ${(error as Error).message}`)
  }
}

/** Whether writing has failed (ENOSPC, …), and not reading the archive. */
const isOfFiles = (error: unknown) => /^E[A-Z0-9]+$/.test((error as { code?: string }).code ?? '')

/** Passes chunks on until they end or fail, or the extraction has been given up. */
async function pump(chunks: ReadableStreamDefaultReader<Uint8Array>, entries: Extract): Promise<void> {
  try {
    while (!entries.destroying) {
      const { done, value } = await chunks.read()
      if (done) {
        entries.end(null)
        return
      }
      if (!entries.destroying && !entries.write(value)) await settled(entries, 'drain')
    }
  } catch (error) {
    entries.destroy(error as Error)
  }
}

/** Decompresses the archive if its first bytes are gzip's magic number. */
async function uncompressed(archive: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array>> {
  const reader = archive.getReader()
  let start = new Uint8Array(0)
  while (start.length < 2) {
    const { done, value } = await reader.read()
    if (done) break
    start = new Uint8Array([...start, ...value])
  }
  const whole = new ReadableStream<Uint8Array>({
    start: controller => controller.enqueue(start),
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: reason => reader.cancel(reason),
  })
  if (start[0] !== 0x1f || start[1] !== 0x8b) return whole
  return whole.pipeThrough(new DecompressionStream('gzip'))
}

async function importEntry(
  files: FileLayer,
  root: string,
  entry: Entry,
  tablespacesInside: boolean,
): Promise<void> {
  const { type } = entry.header
  const name = nameOf(entry.header)
  if (name === '' || NOT_EXPORTED.has(name)) entry.resume()
  else if (type === 'directory' || (tablespacesInside && type === 'symlink' && TABLESPACE.test(name))) {
    entry.resume()
    makeDirectories(files, root, name)
  } else if (type === 'file' || type === 'contiguous-file') {
    makeDirectories(files, root, name.slice(0, Math.max(0, name.lastIndexOf('/'))))
    await importFile(files, `${root}/${name}`, entry)
  } else {
    throw new StartupError(`"${name}" in the archive is a ${type}: a cluster has only files and directories`)
  }
}

async function importFile(files: FileLayer, path: string, entry: Entry): Promise<void> {
  const handle = files.open(path, CREATE, 0o600)
  const chunk = new Uint8Array(CHUNK)
  let filled = 0
  let position = 0
  const flush = () => {
    files.write(handle, chunk, 0, filled, position)
    position += filled
    filled = 0
  }
  try {
    for await (const part of entry) {
      for (let at = 0; at < part.length; ) {
        const count = Math.min(part.length - at, CHUNK - filled)
        chunk.set(part.subarray(at, at + count), filled)
        filled += count
        at += count
        if (filled === CHUNK) flush()
      }
    }
    if (filled > 0) flush()
  } finally {
    files.close(handle)
  }
}

/**
 * An entry's path relative to the data directory.
 *
 * @throws StartupError when it leads out of the data directory
 */
function nameOf({ name }: Header): string {
  const steps = name.split('/').filter(step => step !== '' && step !== '.')
  if (steps.includes('..')) throw new StartupError(`"${name}" in the archive leads out of the data directory`)
  return steps.join('/')
}

function makeDirectories(files: FileLayer, root: string, name: string): void {
  let path = root
  for (const step of name.split('/').filter(Boolean)) {
    path += `/${step}`
    try {
      files.mkdir(path, 0o700)
    } catch (error) {
      if ((error as { code?: string }).code !== 'EEXIST') throw error
    }
  }
}
