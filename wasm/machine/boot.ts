/** Begins a machine: boots its kernel, and makes the first process with its command line. */
import { ARGS_SIZE, errno, HOST_SLOT, MAX_FIRST_ARGS, PAGE_SIZE, PATH_SIZE } from './abi.js'
import { instantiateKernel, type KernelExports, type KernelHost } from './kernel.js'
import type { LinearMemory } from './memory.js'
import type { StackSize } from './stack.js'

/** Sizes that a machine's kernel is booted with. */
export interface MachineSize {
  /** Slots in the process table: processes at a time, and the host. */
  readonly processes: number
  /** Bytes of data of the program that has most. */
  readonly data: number
  readonly stack: StackSize
}

/**
 * Makes the host's own instance of the kernel, in a new memory.
 *
 * @throws Error when the memory's limit is too low
 */
export function boot(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  host: KernelHost,
  { processes, data, stack }: MachineSize,
): KernelExports {
  const kernel = instantiateKernel(module, memory, host)
  if (kernel.boot(processes, data, stack.depth, stack.frame) < 0) throw new Error('out of memory')
  return kernel
}

/** The command line or the working directory of the first process is too long, or has a NUL byte. */
export class CommandLineError extends Error {}

export interface FirstProcess {
  /** The command line; the first is the program's own name. */
  readonly args: readonly string[]
  readonly pid: number
  /** Whether it is an attendant; see c/kernel/kernel.h. Default: no. */
  readonly attendant?: boolean
  /** The working directory. Default: none, because postgres changes to its data directory. */
  readonly directory?: string | undefined
}

const encoder = new TextEncoder()

/**
 * Makes the first process. The kernel then asks the machine to run it.
 *
 * @returns its slot
 * @throws CommandLineError
 */
export function spawn(
  kernel: KernelExports,
  memory: LinearMemory,
  { args, pid, attendant = false, directory = '' }: FirstProcess,
): number {
  const put = (bytes: Uint8Array, address: number) =>
    memory.reach((address >>> 0) + bytes.length).set(bytes, address >>> 0)
  for (const text of [directory, ...args])
    if (text.includes('\0')) throw new CommandLineError(`${JSON.stringify(text)} has a NUL byte in it`)
  const path = encoder.encode(`${directory}\0`)
  if (path.length > PATH_SIZE)
    throw new CommandLineError(
      `the path of the working directory is too long: it has ${path.length - 1} bytes, and may have ${PATH_SIZE - 1}`,
    )
  const line = encoder.encode(args.map(arg => `${arg}\0`).join(''))
  const tooLong = () =>
    new CommandLineError(
      `the command line is too long: it has ${args.length} arguments, in ${line.length} bytes; ` +
        `a process can have ${MAX_FIRST_ARGS - 1}, and ${ARGS_SIZE} bytes for them`,
    )
  if (line.length > PAGE_SIZE) throw tooLong()
  put(path, kernel.sys_cwd(HOST_SLOT)) // Children of the host inherit it.
  put(line, kernel.scratch())
  const slot = kernel.spawn(args.length, pid, Number(attendant))
  if (slot === -errno.E2BIG) throw tooLong()
  if (slot < 0) throw new Error('out of memory')
  return slot
}
