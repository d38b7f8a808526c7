/**
 * kernel.wasm as TypeScript sees it: the functions of `c/kernel/kernel.h`, and the few that it needs in return. Each
 * thread has an instance of its own; all of them work on the same shared memory, so what one does the others see.
 */

/** What a process is told to look after; the bits that `kernel_work()` returns. */
export const Work = { Spawn: 1, Kill: 2, Timer: 4, Socket: 8 } as const

/** What has happened to a socket; the bits that `kernel_socket_events()` returns. */
export const SocketEvent = { Output: 1, Space: 2, Closed: 4, Listen: 8, Connect: 16, Shutdown: 32 } as const

/** The host's half of `c/kernel/kernel.h`; addresses and lengths are in bytes, times in milliseconds. */
export interface KernelExports extends WebAssembly.Exports {
  readonly __stack_pointer: WebAssembly.Global
  boot(processes: number, imageSize: number, stackDepth: number): number
  work(): number
  word(): number
  scratch(): number
  spawn(argc: number, pid: number): number
  next_embryo(): number
  next_killed(): number
  image(slot: number): number
  clear_image(slot: number): void
  stack(slot: number): number
  argc(slot: number): number
  argv(slot: number): number
  exited(slot: number, status: number): void
  pid(slot: number): number
  state(slot: number): number
  pages(slot: number): number
  kill(slot: number, signal: number): number
  post_alarms(now: number): number
  next_socket(): number
  socket_events(fd: number): number
  socket_address(fd: number): number
  listening(fd: number, error: number): void
  queue_client(listener: number): number
  connected(fd: number, error: number): number
  input_at(fd: number): number
  input_space(fd: number): number
  input_add(fd: number, length: number): void
  input_end(fd: number, reset: number): void
  output_at(fd: number): number
  output_size(fd: number): number
  output_take(fd: number, length: number): void
  lend(fd: number, descriptor: number): void
  flushed(fd: number): void
  sending(fd: number): number
  received(): number
  sent(): number
  release(fd: number): void
  sys_recv(self: number, fd: number, buffer: number, length: number): number
  sys_send(self: number, fd: number, buffer: number, length: number): number
  sys_client(self: number): number
  sys_signals(self: number): number
  sys_cwd(self: number): number
  sys_direct_begin(fd: number): number
  sys_direct_end(fd: number, sent: number): void
}

/** How a process waits and is woken, and the clock it waits by; see `c/kernel/host.h`. */
export interface KernelHost {
  /** In a host that suspends the caller, an import made for that. */
  readonly wait: ((word: number, expected: number, ms: number) => number) | WebAssembly.ImportValue
  notify(word: number): void
  now(): number
}

/** Instantiates the kernel for this thread. Only the first instance on a memory initialises the kernel's variables. */
export function instantiateKernel(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  host: KernelHost,
): KernelExports {
  const instance = new WebAssembly.Instance(module, { env: { memory }, host: { ...host } })
  return instance.exports as KernelExports
}

/** What came of a wait. */
export const Wait = { Woken: 0, TimedOut: 1, Impossible: 2 } as const

/** Waiting in a host with threads: the thread sleeps. */
export function threadHost(memory: WebAssembly.Memory, now: () => number) {
  let words = new Int32Array(memory.buffer)
  const index = (word: number) => {
    const at = word >>> 2
    if (at >= words.length) words = new Int32Array(memory.buffer)
    return at
  }
  return {
    wait(word: number, expected: number, ms: number): number {
      const timeout = ms < 0 ? Number.POSITIVE_INFINITY : ms
      return Atomics.wait(words, index(word), expected, timeout) === 'timed-out' ? Wait.TimedOut : Wait.Woken
    },
    notify(word: number): void {
      Atomics.notify(words, index(word))
    },
    now,
  }
}
