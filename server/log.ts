/** Where the option `log` says that the log goes. */
import type { LogSink } from '../wasm/machine/log-collector.js'
import type { StartServerOptions } from './options.js'

/** Writes into the log what the files of `--init` print, and the messages of the host itself. */
export function ownLog(log: StartServerOptions['log']): (line: string) => void {
  if (typeof log === 'function') return line => log(line, 'output')
  return log === 'stderr' ? line => void process.stderr.write(`${line}\n`) : () => {}
}

/** Passes on what PostgreSQL writes. */
export function logSink(log: StartServerOptions['log']): LogSink {
  if (typeof log === 'function')
    return (entry, format) => {
      for (const line of entry.replace(/\n$/, '').split('\n')) log(line, format)
    }
  return log === 'stderr' ? text => void process.stderr.write(text) : () => {}
}
