/** Which files are run in a new cluster. */
import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { errorCode, StartupError } from '../../wasm/cluster/startup-error.js'

const RUNNABLE = /\.(sql|sql\.gz|mjs)$/

/**
 * The files that these paths name. A directory stands for those of its files that can be run, in the order of their names.
 *
 * @throws StartupError when a path does not exist, or is a file that cannot be run
 */
export function filesToRun(paths: string | readonly string[]): string[] {
  return [paths].flat().flatMap(path => {
    const place = resolve(path)
    try {
      if (statSync(place).isDirectory())
        return readdirSync(place)
          .filter(name => RUNNABLE.test(name))
          .sort()
          .map(name => join(place, name))
    } catch (error) {
      const reason = errorCode(error) === 'ENOENT' ? 'it is not there' : (error as Error).message
      throw new StartupError(`cannot run "${path}": ${reason}`, errorCode(error))
    }
    if (!RUNNABLE.test(place))
      throw new StartupError(`cannot run "${path}": its name must end with .sql, .sql.gz or .mjs`)
    return [place]
  })
}
