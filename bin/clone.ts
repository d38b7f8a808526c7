/** `clone`: copies the cluster of a running server into a data directory. */
import { Command } from 'commander'
import { cloneDataDirectory, StartupError } from '../server/index.js'
import { wholeNumber } from './server-options.js'

interface Options {
  dataDir?: string
  maxRate?: number
}

/** How often to show the progress: on a terminal every so many milliseconds, elsewhere every so many percent. */
const REFRESH = 200
const STEP = 10

export function cloneCommand(): Command {
  return new Command('clone')
    .description('copy the cluster of a running PostgreSQL 18, native or this one, while it goes on')
    .argument('<url>', 'postgres://user@host:port of a role that may replicate')
    .option('-D, --data-dir <dir>', 'directory for the copy, missing or empty (default: $PGDATA)')
    .option('-r, --max-rate <rate>', 'transfer at most so many kB each second', wholeNumber)
    .addHelpText('after', HELP)
    .action(clone)
}

const HELP = `
The password may be in PGPASSWORD or ~/.pgpass. To make a standby that follows that server, use: start --standby-of URL -D DIR`

async function clone(url: string, { dataDir = process.env.PGDATA, maxRate }: Options): Promise<void> {
  if (!dataDir) throw new StartupError('name the directory for the copy by -D, or by PGDATA')
  const notes = await cloneDataDirectory(dataDir, url, { maxRate, onProgress: progressOn(process.stderr) })
  for (const note of notes) console.error(note)
  console.log(
    `copied the cluster into "${dataDir}"; start a server with: pglite-imports-server -D ${dataDir}`,
  )
}

/** Shows the progress of a base backup: on a terminal in one line, elsewhere in a line for each tenth. */
export function progressOn(stream: NodeJS.WriteStream): (received: number, total: number) => void {
  let shown = Number.NEGATIVE_INFINITY
  return (received, total) => {
    const percent = total === 0 ? 0 : Math.floor((100 * received) / total)
    const text = `${megabytes(received)} of ${megabytes(total)} MB (${percent} %)`
    if (!stream.isTTY) {
      if (percent < shown + STEP) return
      shown = percent - (percent % STEP)
      stream.write(`received ${text}\n`)
    } else if (performance.now() >= shown + REFRESH || percent === 100) {
      shown = performance.now()
      stream.write(`\rreceived ${text}${percent === 100 ? '\n' : ''}`)
    }
  }
}

const megabytes = (bytes: number) => Math.round(bytes / (1024 * 1024))
