/** A server for tests, in a process of its own, so that a busy test runner does not keep it waiting. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { StartServerOptions } from '../server/index.js'

export interface TestServer {
  readonly url: string
  readonly pid: number
  /** Resolves when the server has ended, or has been left to itself because databases are to be kept. */
  stop(): Promise<void>
}

/** What has a meaning in another process. */
export type TestServerOptions = Pick<StartServerOptions, 'dataDir' | 'copyOf' | 'settings'>

/** A process that a server ends with, and a folder that goes then. */
export interface Until {
  readonly pid: number
  readonly folder: string
}

/**
 * Starts a server on any free port, with pools. It ends with this process, or with another one, and keeps none running.
 *
 * @throws Error when it does not start
 */
export async function startTestServer(options: TestServerOptions, until?: Until): Promise<TestServer> {
  const program = fileURLToPath(new URL('server-process.js', import.meta.url))
  const child = fork(program, [JSON.stringify({ options, until })], {
    execArgv: [],
    env: withoutRunner(process.env),
    // Whoever reads what this process prints would wait for the end of one that outlives it.
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
        // Nothing is to be heard of one that stays.
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

/** What test runners tell their own processes is not meant for the server. */
function withoutRunner({
  NODE_OPTIONS: _,
  NODE_TEST_CONTEXT: __,
  ...rest
}: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return rest
}
