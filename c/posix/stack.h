/*
 * stack.h: how deep a process may recurse.
 *
 * There are two stacks: C's in the linear memory, and the engine's own, which C cannot see and which is the smaller one
 * in most hosts (984 kB on a main thread). PostgreSQL checks how deep the C stack is. So that this tells something about the
 * engine's stack too, every function that checks makes its frame on the C stack larger by stack_frame_pin bytes
 * (patches/0003). The host knows how large the engine's stack is. It says how many bytes that are, and how deep the C stack may
 * get (wasm/machine/stack.ts), so that the C stack reaches its limit before the engine's overflows. PostgreSQL takes the host's
 * limit for the system's. Beyond it there are STACK_ROOM bytes, in which PostgreSQL handles the error.
 *
 * Attendants (kernel/kernel.h) have less stack. All processes have the same setting max_stack_depth, so an attendant's check goes by
 * stack_depth_limit where that is less.
 */
#ifndef POSIX_STACK_H
#define POSIX_STACK_H

#include <stddef.h>
#include "kernel/param.h"

/* PostgreSQL reads them. */
extern size_t stack_frame_pin,
			stack_depth_limit;

#define STACK_SLOP		(512 * 1024)	/* PostgreSQL's STACK_DEPTH_SLOP, which it subtracts from the system's limit */

#endif
