/** A server for tests, in a process of its own, so that a busy test runner does not keep it waiting. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { StartServerOptions } from '../server/index.js'
import { packageFolder } from '../wasm/node/package-folder.js'

export interface TestServer {
  readonly url: string
  readonly pid: number
  /** Resolves when the server has ended, or has been left to itself because databases are to be kept. */
  stop(): Promise<void>
}

/** The options that can be passed to another process. */
export type TestServerOptions = Pick<StartServerOptions, 'dataDir' | 'copyOf' | 'settings'>

/** A process with which a server ends, and a folder that the server removes then. */
export interface Until {
  /** The process. */
  readonly pid: number
  /** The folder. */
  readonly folder: string
}

/**
 * Starts a server on any free port, with pools. It ends with this process, or with that in `until`, and keeps neither running.
 *
 * @throws Error when it does not start
 */
export async function startTestServer(options: TestServerOptions, until?: Until): Promise<TestServer> {
  const program = join(packageFolder(), 'dist', 'testing', 'server-process.js')
  const child = fork(program, [JSON.stringify({ options, until })], {
    execArgv: [],
    env: withoutRunner(process.env),
    // A server that outlives this process must not hold its stdout: the reader of that would wait for the end of the server.
    stdio: ['ignore', ...(until === undefined ? INHERITED : IGNORED), 'ipc'],
    detached: true,
  })
  const url = await addressOf(child)
  child.unref()
  child.channel?.unref()
  return {
    url,
    pid: child.pid!,
    stop: () =>
      new Promise(resolve => {
        child.on('exit', () => resolve())
        // A server that stays sends no further messages.
        setTimeout(resolve, PATIENCE).unref()
        child.ref()
        child.disconnect()
      }),
  }
}

const INHERITED = ['inherit', 'inherit'] as const
const IGNORED = ['ignore', 'ignore'] as const

/** Milliseconds. */
const PATIENCE = 3000

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('message', (message: { url?: string; error?: string }) => {
      if (message.url !== undefined) resolve(message.url)
      else reject(new Error(`the server for tests does not start: ${message.error}`))
    })
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`the server for tests ended with exit code ${code}`)))
  })
}

/** The environment without the variables that test runners set for their own processes. */
function withoutRunner({
  NODE_OPTIONS: _,
  NODE_TEST_CONTEXT: __,
  ...rest
}: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return rest
}
