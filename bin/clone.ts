/** `clone`: copies the cluster of a running server into a data directory. */
import { Command } from 'commander'
import { cloneDataDirectory, StartupError } from '../server/index.js'
import { wholeNumber } from './server-options.js'

interface Options {
  dataDir?: string
  maxRate?: number
}

/** How often the progress is shown: milliseconds on a terminal, and percents elsewhere. */
const REFRESH = 200
const STEP = 10

export function cloneCommand(): Command {
  return new Command('clone')
    .description('copy the cluster of a running PostgreSQL 18, native or this one, while it goes on')
    .argument('<url>', 'postgres://user@host:port of a role that may replicate')
    .option('-D, --data-dir <dir>', 'directory for the copy, missing or empty (default: $PGDATA)')
    .option('-r, --max-rate <rate>', 'kB to be transferred in a second at most', wholeNumber)
    .addHelpText('after', HELP)
    .action(clone)
}

const HELP = `
The password may be in PGPASSWORD or ~/.pgpass. To follow that server from then on, use: start --standby-of URL -D DIR`

async function clone(url: string, { dataDir = process.env.PGDATA, maxRate }: Options): Promise<void> {
  if (!dataDir) throw new StartupError('name the directory for the copy by -D, or by PGDATA')
  const notes = await cloneDataDirectory(dataDir, url, { maxRate, onProgress: progressOn(process.stderr) })
  for (const note of notes) console.error(note)
  console.log(
    `copied the cluster into "${dataDir}"; start a server with: pglite-imports-server -D ${dataDir}`,
  )
}

/** Shows how far a base backup is: in one line on a terminal, else in a line for each tenth. */
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
