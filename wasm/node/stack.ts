/** The stacks of processes under Node, where threads and coroutines have as large ones as they are told to. */
import { CALLER_STACK, type StackSize } from '../machine/stack.js'
import { IS_NODE } from './engine.js'

/** Frames that are hardly larger, so that a statement may be as deep as in PostgreSQL itself. */
const FRAME = 16

/** How many bytes of its stack the engine needs at most for one of C's, then. */
const ENGINE_SHARE = 20

/** PostgreSQL's default for max_stack_depth. */
const LEAST = 2048 * 1024
/** What it can be raised to while the server runs: what Linux allows a native one by default, if there is room for that. */
const USUAL = 7680 * 1024

/** Of the 4 GiB that 32 bits can address, what the stacks of all processes take: by themselves, and at most if they are told to. */
const ROOM = 1 << 29
const MOST_ROOM = 2 ** 31

/** Processes beside those of connections, roughly. */
const OTHERS = 30

/**
 * What the processes of a cluster get, by its settings: max_connections, and max_stack_depth where it is more than there would be.
 * Only what they use of it is ever taken of the computer's memory.
 */
export function stackSize({
  max_connections = '',
  max_stack_depth = '',
}: Readonly<Record<string, string>>): StackSize {
  if (!IS_NODE) return CALLER_STACK
  const processes = (Number.parseInt(max_connections, 10) || 100) + OTHERS
  const byItself = Math.min(Math.max(ROOM / processes, LEAST), USUAL)
  const most = Math.max(MOST_ROOM / processes, LEAST)
  const depth = Math.min(Math.max(byItself, bytesOf(max_stack_depth)), most)
  return { depth: Math.floor(depth / 1024) * 1024, frame: FRAME }
}

/** Bytes of a setting that is in kilobytes where it says nothing else; 0 if it is none, which PostgreSQL tells. */
function bytesOf(setting: string): number {
  const [, number = '0', unit = 'kB'] = /^\s*(\d+)\s*(B|kB|MB|GB)?\s*$/.exec(setting) ?? []
  return Number(number) * 1024 ** ['B', 'kB', 'MB', 'GB'].indexOf(unit)
}

/** The engine's stack that goes with it, in bytes. */
export const engineStack = ({ depth }: StackSize): number => depth * ENGINE_SHARE
