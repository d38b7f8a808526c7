/** The command line, in a process of its own: what it says, to whom, and how it ends. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { until } from './until.js'

export const commandLine = fileURLToPath(new URL('../dist/bin/pglite-imports-server.js', import.meta.url))

export class Command {
  readonly process: ChildProcessWithoutNullStreams
  /** Its exit code. */
  readonly closed: Promise<number | null>
  stdout = ''
  stderr = ''

  constructor(...args: string[]) {
    this.process = spawn(process.execPath, [commandLine, ...args])
    this.process.stdout.on('data', text => {
      this.stdout += text
    })
    this.process.stderr.on('data', text => {
      this.stderr += text
    })
    this.closed = once(this.process, 'close').then(([code]) => code)
  }

  async url(): Promise<string> {
    const pattern = /postgres:\/\/\S+/
    await Promise.race([until('it is ready', () => pattern.test(this.stdout)), this.closed])
    const url = pattern.exec(this.stdout)?.[0]
    if (url === undefined) throw new Error(this.stderr)
    return url
  }

  async connect(): Promise<pg.Client> {
    const client = new pg.Client(await this.url())
    client.on('error', () => {})
    await client.connect()
    return client
  }
}
