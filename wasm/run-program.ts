/** Runs a program of the build's, such as initdb, on a machine of its own; the processes it starts are servers. */
import { environment, loadProgram, loadPrograms } from './artefacts.js'
import { exitCode, Machine } from './machine.js'
import { Threads } from './threads.js'

/**
 * @param file the program, a WebAssembly module linked as postgres.wasm is
 * @param args its command line, with its own name first
 * @param onWrite called with what it and its children write
 * @returns its exit code
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  onWrite: (text: string) => void,
): Promise<number> {
  const { kernel, postgres, modules } = loadPrograms()
  const machine = new Machine({
    scheduler: (setup, heard) => new Threads(setup, heard, undefined),
    kernel,
    first: loadProgram(file),
    program: postgres,
    modules,
    maxProcesses: 16,
    environment,
    onLog: onWrite,
    onState: () => {},
    onSockets: () => {},
  })
  const status = await machine.spawn(args, process.pid).exited
  await machine.close()
  return exitCode(status)
}
