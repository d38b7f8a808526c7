/** How a machine begins: its kernel is booted, and its first process gets a command line, which the others get from it. */
import { ARGS_SIZE, errno, HOST_SLOT, MAX_FIRST_ARGS, PAGE_SIZE, PATH_SIZE } from './abi.js'
import { instantiateKernel, type KernelExports, type KernelHost } from './kernel.js'
import type { LinearMemory } from './memory.js'

/** How large a machine is made. */
export interface MachineSize {
  /** At most so many processes at a time. */
  readonly processes: number
  /** Bytes of data that a process has, the largest there will be. */
  readonly data: number
  /** How deep a process may recurse, in bytes of C stack. */
  readonly depth: number
}

/** Makes the host's own instance of the kernel in a memory that is new. */
export function boot(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  host: KernelHost,
  { processes, data, depth }: MachineSize,
): KernelExports {
  const kernel = instantiateKernel(module, memory, host)
  if (kernel.boot(processes, data, depth) < 0) throw new Error('out of memory')
  return kernel
}

/** A command line that no process can be given, or a working directory. */
export class CommandLineError extends Error {}

export interface FirstProcess {
  /** Its own name first. */
  readonly args: readonly string[]
  readonly pid: number
  /** Its working directory; none by default, for postgres goes to its data directory. */
  readonly directory?: string | undefined
}

const encoder = new TextEncoder()

/**
 * Makes the first process, which the machine then asks to be run.
 *
 * @returns its slot
 * @throws CommandLineError
 */
export function spawn(
  kernel: KernelExports,
  memory: LinearMemory,
  { args, pid, directory = '' }: FirstProcess,
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
  put(path, kernel.sys_cwd(HOST_SLOT)) // Which its children begin in.
  put(line, kernel.scratch())
  const slot = kernel.spawn(args.length, pid)
  if (slot === -errno.E2BIG) throw tooLong()
  if (slot < 0) throw new Error('out of memory')
  return slot
}
