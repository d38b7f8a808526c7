/** Processes that run one after the other in the same instance of postgres.wasm. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { instantiateKernel, threadHost } from '../../wasm/machine/kernel.js'
import { Machine, type Scheduler } from '../../wasm/machine/machine.js'
import { LinearMemory } from '../../wasm/machine/memory.js'
import {
  Process,
  type ProcessHost,
  type ProcessMessage,
  type ProcessSetup,
} from '../../wasm/machine/process.js'
import { exitCode } from '../../wasm/machine/wait-status.js'
import { nodeFiles } from '../../wasm/node/files.js'
import { stackSize } from '../../wasm/node/stack.js'
import { nodeSystem } from '../../wasm/node/system.js'

const compiled = (name: string) =>
  new WebAssembly.Module(readFileSync(new URL(`../../wasm/dist/${name}.wasm`, import.meta.url)))
const noModules = { get: () => undefined }

/** Runs each process in this thread, in the instance of the one before if that can be. */
class OneAfterTheOther implements Scheduler {
  readonly stack = stackSize({})
  readonly host
  readonly #kernel
  readonly #memory
  #process: Process | undefined
  instances = 0

  constructor(
    readonly setup: ProcessSetup,
    readonly heard: (message: ProcessMessage) => void,
  ) {
    this.host = threadHost(setup.memory, nodeSystem.monotonic)
    this.#memory = new LinearMemory(setup.memory)
    this.#kernel = instantiateKernel(setup.kernel, setup.memory, this.host)
  }

  run(slot: number, program: WebAssembly.Module): void {
    if (this.#process?.become(slot) !== true) {
      this.#process = new Process(slot, program, this.#host(slot))
      this.instances++
    }
    this.heard({ type: 'exit', slot, status: this.#process.run() })
  }

  #host(slot: number): ProcessHost {
    const { modules, environment } = this.setup
    const log = (stream: number, bytes: Uint8Array) => this.heard({ type: 'log', slot, stream, bytes })
    return {
      ...{ memory: this.#memory, kernel: this.#kernel, modules, environment, system: nodeSystem },
      ...{ files: nodeFiles(), streams: { write: log }, notifyState: () => {}, reuses: true },
      client: { pglite_js_read: () => 0, pglite_js_write: () => 0 },
    }
  }

  kill(): void {}

  async changed(word: number, seen: number): Promise<void> {
    await Atomics.waitAsync(new Int32Array(this.setup.memory.buffer), word >>> 2, seen).value
  }

  async close(): Promise<void> {}
}

test('a process has the instance of the last one, and nothing that was changed in it', async () => {
  const [kernel, postgres] = [compiled('kernel'), compiled('postgres')]
  let [output, scheduler] = ['', undefined as OneAfterTheOther | undefined]
  const machine = new Machine({
    scheduler: (setup, heard) => {
      scheduler = new OneAfterTheOther(setup, heard)
      return scheduler
    },
    ...{ kernel, first: postgres, program: postgres, modules: noModules, maxProcesses: 4, environment: {} },
    onLog: () => {},
    onOutput: bytes => {
      output += new TextDecoder().decode(bytes)
    },
    onState: () => {},
    onSocket: () => {},
  })
  const run = async (...args: string[]) => {
    output = ''
    const { exited } = machine.spawn({ args: ['/pgsql/bin/postgres', ...args], pid: process.pid })
    return [exitCode(await exited), output]
  }
  const described = await run('--describe-config')
  expect(described[1]).toContain('work_mem\t')
  const version = [0, expect.stringMatching(/^postgres \(PostgreSQL\) 18\./)]
  expect(await run('--version')).toEqual(version)
  // It fails after it has set what a command line sets.
  expect(await run('-D', '/nowhere/at/all', '-c', 'work_mem=77MB')).toEqual([1, ''])
  expect(await run('--version')).toEqual(version)
  expect(await run('--describe-config')).toEqual(described)
  expect(scheduler!.instances).toBe(1)
  await machine.close()
})
