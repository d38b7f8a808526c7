/** Why a data directory cannot be used, for the person who has named it. */
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'
import { denial } from './owner.js'

/** A StartupError for an error of the system's; other errors are returned as they are. */
export function directoryRefusal(error: unknown, path: string): unknown {
  if (error instanceof StartupError) return error
  switch (errorCode(error)) {
    case 'EACCES':
    case 'EPERM':
      return new StartupError(`data directory "${path}" is not accessible: ${denial(path)}`, 'EACCES')
    case 'EROFS':
      return new StartupError(`data directory "${path}" is on a read-only file system`, 'EROFS')
    case 'ENOSPC':
      return new StartupError(`data directory "${path}" cannot be created: no space left on device`, 'ENOSPC')
    case 'ENOTDIR':
      return new StartupError(
        `data directory "${path}" cannot be created: a part of the path is not a directory`,
      )
    case undefined:
      return error
    default:
      return new StartupError(
        `data directory "${path}" cannot be used: ${(error as Error).message}`,
        errorCode(error),
      )
  }
}
