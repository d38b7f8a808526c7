/** A file that is read and written synchronously: what a FileSystemSyncAccessHandle has (fs.spec.whatwg.org). */
import { FileError } from '../../wasm/machine/volume/node.js'

export interface SyncFile {
  read(buffer: Uint8Array, options: { at: number }): number
  write(buffer: Uint8Array, options: { at: number }): number
  truncate(size: number): void
  getSize(): number
  /** Makes everything that was written durable. */
  flush(): void
  close(): void
}

/** Writes all of the bytes. @throws FileError */
export function writeAll(file: SyncFile, bytes: Uint8Array, at: number): void {
  const count = translated(() => file.write(bytes, { at }))
  if (count !== bytes.length) throw new FileError('ENOSPC', `${count} of ${bytes.length} bytes were written`)
}

/** Fills the whole buffer. @throws FileError */
export function readAll(file: SyncFile, buffer: Uint8Array, at: number): void {
  const count = translated(() => file.read(buffer, { at }))
  if (count !== buffer.length) throw new FileError('EIO', `${count} of ${buffer.length} bytes were read`)
}

/** Calls a method of a file. @throws FileError */
export function translated<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    const { name, message } = error as Error
    throw new FileError(name === 'QuotaExceededError' ? 'ENOSPC' : 'EIO', message)
  }
}
