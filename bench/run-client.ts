/** Runs the native client programs, pgbench and psql, against a system. */
import type { NativeTree } from './native-tree.js'

interface Options {
  /** Seconds after which the program counts as hung. */
  deadline: number
  /** A file descriptor that it reads. */
  input?: number
  /** Whether to drop the program's output instead of returning it. */
  discard?: boolean
}

/** Resolves with what the program printed. Throws with its first error if it fails or hangs. */
export async function runClient(
  tree: NativeTree,
  program: 'pgbench' | 'psql',
  port: number,
  args: string[],
  { deadline, input, discard }: Options,
): Promise<string> {
  const child = tree.spawn(
    program,
    ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', '-d', 'postgres', ...args],
    { stdio: [input ?? 'ignore', discard ? 'ignore' : 'pipe', 'pipe'] },
  )
  let output = ''
  let errors = ''
  child.stdout?.on('data', chunk => {
    output += chunk
  })
  child.stderr?.on('data', chunk => {
    errors += chunk
  })
  let hung = false
  const timer = setTimeout(() => {
    hung = true
    child.kill('SIGKILL')
  }, deadline * 1000)
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  clearTimeout(timer)
  if (hung) throw new Error(`${program} was not done after ${deadline} s`)
  if (status !== 0) throw new Error(/^.*(?:error|ERROR|FATAL):.*$/m.exec(errors)?.[0] ?? errors)
  return output
}
