/*
 * stack.h: how deep a process may recurse.
 *
 * There are two stacks: C's in the linear memory, and the engine's own, which C cannot see and which is the smaller one
 * in most hosts (984 kB on a main thread). PostgreSQL checks the former; a dummy frame in every checking function
 * (patches/0003) makes it grow at least as fast as the latter. So how deep C's stack may get is for the host to say, by
 * what the engine's can take (wasm/machine/stack.ts). PostgreSQL takes that for the system's limit. Beyond it there is STACK_ROOM
 * to handle the error in.
 */
#ifndef POSIX_STACK_H
#define POSIX_STACK_H

#include "kernel/param.h"

#define STACK_SLOP		(512 * 1024)	/* PostgreSQL's STACK_DEPTH_SLOP, which it takes off the system's limit */

#endif
