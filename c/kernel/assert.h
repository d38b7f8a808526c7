/*
 * assert.h: what must hold, stated where it must, by PostgreSQL's own macro.
 *
 * The kernels that tests run on are compiled with USE_ASSERT_CHECKING, and in a debug build kernel.wasm is, too. There a
 * condition that does not hold ends whoever finds it: a process crashes, the host throws an error. Otherwise nothing is
 * left of an assertion.
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
