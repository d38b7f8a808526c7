/*
 * assert.h: PostgreSQL's macro for a condition that must hold at this place.
 *
 * The build compiles the kernels for tests with USE_ASSERT_CHECKING, and in a debug build kernel.wasm as well. In these, a
 * condition that does not hold ends the caller: a process crashes, the host throws an error. In an ordinary build an
 * assertion compiles to nothing.
 */
#ifndef ASSERT_H
#define ASSERT_H

#ifdef USE_ASSERT_CHECKING

#include "host.h"

#define Assert(condition) \
	((condition) ? (void) 0 : host_assertion_failed(#condition, __FILE_NAME__, __LINE__))

#else

#define Assert(condition) ((void) (0 && (condition)))

#endif

#endif
