/** The stacks of processes under Node, where threads and coroutines have as large ones as they are told to. */
import type { StackSize } from '../machine/stack.js'

/** Frames that are hardly larger, so that a statement may be as deep as in PostgreSQL itself. */
const FRAME = 16

/** How many bytes of its stack the engine needs at most for one of C's, then. */
const ENGINE_SHARE = 20

/** PostgreSQL's default for max_stack_depth. */
const LEAST = 2048 * 1024
/** What it may be raised to where there are 100 connections: what Linux allows by default, a stack of 8 MB. */
const USUAL = 7680 * 1024
/** Of the memory that 32 bits can address, what stacks may take. */
const ROOM = 1 << 30

/** Processes beside those of connections, roughly. */
const OTHERS = 30

/** What the processes of a cluster get. Only what they use of it is ever taken. */
export function stackSize({ max_connections = '100' }: Readonly<Record<string, string>>): StackSize {
  const each = ROOM / (Number(max_connections) + OTHERS)
  return { depth: Math.floor(Math.min(Math.max(each, LEAST), USUAL) / 1024) * 1024, frame: FRAME }
}

/** The engine's stack that goes with it, in bytes. */
export const engineStack = ({ depth }: StackSize): number => depth * ENGINE_SHARE
