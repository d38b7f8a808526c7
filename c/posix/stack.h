/*
 * stack.h: how deep a process may recurse.
 *
 * There are two stacks: C's in the linear memory, and the engine's own, which C cannot see and which is the smaller one
 * in most hosts (984 kB on a main thread). PostgreSQL checks the former; every checking function makes its frame there larger by
 * stack_frame_pin bytes (patches/0003), so that it grows along with the latter: by as much as the host says, which knows how large
 * the engine's is. So how deep C's stack may get is for the host to say, by
 * what the engine's can take (wasm/machine/stack.ts). PostgreSQL takes that for the system's limit. Beyond it there is STACK_ROOM
 * to handle the error in.
 */
#ifndef POSIX_STACK_H
#define POSIX_STACK_H

#include <stddef.h>
#include "kernel/param.h"

/* PostgreSQL reads it. */
extern size_t stack_frame_pin;

#define STACK_SLOP		(512 * 1024)	/* PostgreSQL's STACK_DEPTH_SLOP, which it takes off the system's limit */

#endif
