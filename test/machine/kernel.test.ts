/**
 * The kernel alone: threads call its functions at random and are ended at any moment, also in the midst of them. The kernel
 * is one with assertions (c/kernel/assert.h), and when no process is left it has to be as it was in the beginning.
 *
 * KERNEL_SEED=… for the same choices again, though threads come to them in another order; KERNEL_SECONDS=… for how long.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { HOST_SLOT, type KernelFunctions, PROC_FREE, SIGKILL } from '../../wasm/machine/abi.js'
import { Machine } from '../../wasm/machine/machine.js'
import { IMAGE_SIZE, KEYS, NAME, now, Shared, SLOTS } from '../fixtures/kernel/shared.js'
import { Sockets } from '../fixtures/kernel/sockets.js'
import { Threads } from '../fixtures/kernel/threads.js'
import { Random } from '../fixtures/random.js'
import { until } from '../fixtures/until.js'

const SEED = Number(process.env.KERNEL_SEED ?? Date.now() % 1_000_000)
const SECONDS = Number(process.env.KERNEL_SECONDS ?? 10)

/** How much processes do in a round, at the end of which all of them end, and until the next one ends by force. */
const LONGEST_ROUND = 3000
const LONGEST_UNTIL_END = 1000

/** How long processes that are told to end may take. */
const PATIENCE = 30_000

/** The memory's pages of 64 KiB: too few for all processes. */
const MEMORY = 420

/** A program that needs so much memory for its data and does nothing: it is never run. */
function program(): WebAssembly.Module {
  const leb = (value: number) => [(value & 0x7f) | 0x80, ((value >> 7) & 0x7f) | 0x80, value >> 14]
  const info = [...leb(IMAGE_SIZE), 4, 0, 0]
  const section = [8, ...Buffer.from('dylink.0'), 1, info.length, ...info]
  return new WebAssembly.Module(
    Uint8Array.from([0, ...Buffer.from('asm'), 1, 0, 0, 0, 0, section.length, ...section]),
  )
}

const kernelFile = new URL('../../wasm/dist/test/kernel-stepping.wasm', import.meta.url)

class Stress {
  readonly random = new Random(SEED)
  readonly failures: string[] = []
  readonly shared = new Int32Array(new SharedArrayBuffer(Shared.length * Int32Array.BYTES_PER_ELEMENT))
  readonly machine: Machine
  readonly sockets: Sockets
  threads!: Threads
  /** The PID of the last process without a parent. */
  #pid = 0
  /** How many processes there have been. */
  started = 0

  constructor() {
    const failed = (text: string) => void this.failures.push(text)
    const empty = program()
    this.machine = new Machine({
      scheduler: (setup, heard) => {
        this.threads = new Threads(setup, this.shared, heard, failed)
        return this.threads
      },
      kernel: new WebAssembly.Module(readFileSync(kernelFile)),
      first: empty,
      program: empty,
      modules: new Map(),
      maximumPages: MEMORY,
      maxProcesses: SLOTS,
      environment: {},
      onLog: failed,
      onState: () => {},
      onStart: () => void this.started++,
      onSocket: (fd, events) => this.sockets.handle(fd, events),
    })
    this.sockets = new Sockets(this.machine, this.random, failed)
  }

  async round(): Promise<void> {
    const { random, machine, shared, sockets } = this
    shared.fill(0)
    const enough = random.below(LONGEST_ROUND)
    let next = random.below(LONGEST_UNTIL_END)
    while (this.done < enough && this.failures.length === 0) {
      if (this.#alone()) machine.spawn({ args: [NAME, String(random.below(2 ** 31))], pid: ++this.#pid })
      for (let i = random.below(4); i > 0; i--) sockets.act()
      if (this.done > next) {
        this.#endOne()
        next = this.done + random.below(LONGEST_UNTIL_END)
      }
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    Atomics.store(shared, Shared.stop, 1)
    const byForce = random.chance(0.5)
    const ended = () => {
      if (byForce) this.#forEach(slot => machine.kernel.kill(slot, SIGKILL))
      return this.#alone() && sockets.size === 0
    }
    await until('all processes have ended', ended, PATIENCE)
    this.#removeSegments()
    // Only a kernel with assertions has it.
    ;(machine.kernel as unknown as { check_idle(): void }).check_idle()
  }

  /** What processes have done in this round. */
  get done(): number {
    return Atomics.load(this.shared, Shared.done)
  }

  #forEach(call: (slot: number) => void): void {
    for (let slot = HOST_SLOT + 1; slot < SLOTS; slot++)
      if (this.machine.kernel.state(slot) !== PROC_FREE) call(slot)
  }

  /** Whether there are no processes. */
  #alone(): boolean {
    let alone = true
    this.#forEach(() => {
      alone = false
    })
    return alone
  }

  /** Ends a process wherever it is. */
  #endOne(): void {
    const { running } = this.threads
    if (running.length === 0) return
    const slot = this.random.one(running)
    if (this.random.chance(0.5)) this.machine.kernel.kill(slot, SIGKILL)
    else this.threads.lose(slot)
  }

  /** Removes shared memory, which stays until a process does so. */
  #removeSegments(): void {
    const kernel = this.machine.kernel as unknown as KernelFunctions
    for (let key = 1; key <= KEYS; key++) {
      const id = kernel.sys_shmget(HOST_SLOT, key, 0, 0, 0)
      if (id > 0) kernel.sys_shm_remove(HOST_SLOT, id)
    }
  }
}

test(
  `processes that end at any step within the kernel leave nothing behind (KERNEL_SEED=${SEED})`,
  async () => {
    const stress = new Stress()
    const end = now() + 1000 * SECONDS
    try {
      while (now() < end && stress.failures.length === 0) await stress.round()
    } finally {
      await stress.machine.close()
    }
    expect(stress.failures).toEqual([])
    expect(stress.started).toBeGreaterThan(SECONDS)
    expect(stress.threads.ended).toBeGreaterThan(0)
  },
  1000 * SECONDS + 2 * PATIENCE,
)
