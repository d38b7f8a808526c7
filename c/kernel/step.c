/*
 * step.c: in the kernel that the stress test runs on, the compiler calls this wherever the flow of control can fork or
 * join, so that the test can end a process there.
 */
#ifdef CALLS_AT_EACH_STEP

#include "host.h"

void		__sanitizer_cov_trace_pc(void);

__attribute__((no_sanitize("coverage"))) void
__sanitizer_cov_trace_pc(void)
{
	host_step();
}

#endif
