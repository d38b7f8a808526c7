/** The stacks of processes under Node, which lets a program set the size of the stacks of threads and coroutines. */
import { CALLER_STACK, type StackSize } from '../machine/stack.js'
import { IS_NODE } from './engine.js'

/** Frames that are hardly larger, so that a statement may be as deep as in PostgreSQL itself. */
const FRAME = 16

/** How many bytes of its own stack the engine then needs at most for each byte of C's. */
const ENGINE_SHARE = 20

/** PostgreSQL's default for max_stack_depth. */
const LEAST = 2048 * 1024
/** How far sessions can raise it, if there is room: as far as Linux lets a native server by default. */
const USUAL = 7680 * 1024

/** How many of the 4 GiB that 32 bits can address the stacks of all processes take: by default, and at most. */
const ROOM = 1 << 29
const MOST_ROOM = 2 ** 31

/** Processes beside those of connections, roughly. */
const OTHERS = 30

/**
 * How deep the processes of a cluster may recurse, by its settings max_connections and, if it is larger than the default here,
 * max_stack_depth. A stack takes only the memory that it uses.
 */
export function stackSize({
  max_connections = '',
  max_stack_depth = '',
}: Readonly<Record<string, string>>): StackSize {
  if (!IS_NODE) return CALLER_STACK
  const byItself = Math.min(Math.max(ROOM / processesOf(max_connections), LEAST), USUAL)
  const depth = Math.min(Math.max(byItself, bytesOf(max_stack_depth)), mostDepth(max_connections))
  return { depth: Math.floor(depth / 1024) * 1024, frame: FRAME }
}

/** The largest max_stack_depth that such a max_connections leaves room for, in bytes. */
export function mostDepth(max_connections: string): number {
  return Math.floor(Math.max(MOST_ROOM / processesOf(max_connections), LEAST) / 1024) * 1024
}

const processesOf = (max_connections: string) => (Number.parseInt(max_connections, 10) || 100) + OTHERS

/** Bytes of a setting whose default unit is the kilobyte; 0 if it is invalid, which PostgreSQL reports. */
export function bytesOf(setting: string): number {
  const [, number = '0', unit = 'kB'] = /^\s*(\d+)\s*(B|kB|MB|GB)?\s*$/.exec(setting) ?? []
  return Number(number) * 1024 ** ['B', 'kB', 'MB', 'GB'].indexOf(unit)
}

/** The engine's stack that goes with it, in bytes. */
export const engineStack = ({ depth }: StackSize): number => depth * ENGINE_SHARE
