/*
 * stack.h: how deep a process may recurse.
 *
 * There are two stacks: C's in the linear memory, whose size is STACK_SIZE, and the engine's own, which C cannot see
 * and which is the smaller one in most hosts (984 kB on a main thread). PostgreSQL checks the former; a dummy frame in
 * every checking function (patches/0003) makes it grow at least as fast as the latter. So the limit that PostgreSQL is
 * told lies far below STACK_SIZE: it is what the engine's stack can take. The rest is room to handle the error in.
 */
#ifndef POSIX_STACK_H
#define POSIX_STACK_H

#include "kernel/param.h"

#define STACK_SLOP		(512 * 1024)	/* PostgreSQL's STACK_DEPTH_SLOP, which it takes off the limit */
#define STACK_RLIMIT	(680 * 1024 + STACK_SLOP)

#endif
