/** Runs all processes on the caller's thread, as coroutines: for hosts without threads, such as Cloudflare Workers. */
import { WAIT_TIMED_OUT } from './abi.js'
import { Coroutine, type CoroutineHost, type CoroutineSetup } from './coroutine.js'
import { promiseIntegration } from './jspi.js'
import type { KernelHost } from './kernel.js'
import type { Scheduler } from './machine.js'
import { LinearMemory } from './memory.js'
import type { ProcessMessage, ProcessSetup } from './process.js'
import { Sleepers } from './sleepers.js'
import { CALLER_STACK, type StackSize } from './stack.js'

export class Coroutines implements Scheduler {
  readonly host: KernelHost
  readonly #setup: CoroutineSetup
  readonly #processes = new Map<number, Coroutine>()
  readonly #sleepers: Sleepers

  /**
   * @param heard called with every message of a process
   * @param stack how deep processes may recurse on the stacks that the engine gives to coroutines
   * @throws Error if the engine has no JSPI
   */
  constructor(
    processes: ProcessSetup,
    host: CoroutineHost,
    heard: (message: ProcessMessage) => void,
    readonly stack: StackSize = CALLER_STACK,
  ) {
    promiseIntegration()
    const memory = new LinearMemory(processes.memory)
    this.#sleepers = new Sleepers(memory, host.system)
    this.#setup = { processes, memory, sleepers: this.#sleepers, host, heard }
    this.host = {
      // No process yields while it holds a lock of the kernel. So if a lock is held, its holder has ended.
      wait: () => WAIT_TIMED_OUT,
      notify: word => this.#sleepers.notify(word),
      now: host.system.monotonic,
    }
  }

  run(slot: number, program: WebAssembly.Module): void {
    const process = new Coroutine(slot, program, this.#setup)
    this.#processes.set(slot, process)
    queueMicrotask(async () => {
      this.#setup.heard({ type: 'running', slot })
      const status = await process.run()
      this.#processes.delete(slot)
      this.#setup.heard({ type: 'exit', slot, status })
    })
  }

  kill(slot: number): void {
    this.#processes.get(slot)?.kill()
  }

  /** From now on no process is woken by its timeout, only by others; see Sleepers. */
  rest(): void {
    this.#sleepers.rest()
  }

  /** Ends rest(): timeouts wake processes again. */
  resume(): void {
    this.#sleepers.resume()
  }

  async changed(word: number, seen: number): Promise<void> {
    await this.#sleepers.sleep(word, seen, -1)
  }

  async close(): Promise<void> {
    for (const process of this.#processes.values()) process.kill()
    this.#sleepers.close()
    // A process that computes ends when it yields.
    while (this.#processes.size > 0) await this.#setup.host.system.nextTurn()
  }
}
