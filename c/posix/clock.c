/*
 * clock.c: what time it is, and what has been used of it.
 */
#include "process.h"
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include "host-imports.h"

static int
which(clockid_t clock)
{
	switch (clock)
	{
		case CLOCK_REALTIME:
		case CLOCK_REALTIME_COARSE:
			return HOST_REALTIME;
		case CLOCK_PROCESS_CPUTIME_ID:
		case CLOCK_THREAD_CPUTIME_ID:
			return HOST_CPU_TIME;
		default:
			return HOST_MONOTONIC;
	}
}

int
clock_gettime(clockid_t clock, struct timespec *time)
{
	double		us = host_clock(which(clock));

	time->tv_sec = (time_t) (us / 1e6);
	time->tv_nsec = (long) ((us - (double) time->tv_sec * 1e6) * 1e3);
	return 0;
}

int
clock_getres(clockid_t clock, struct timespec *resolution)
{
	(void) clock;
	resolution->tv_sec = 0;
	resolution->tv_nsec = 1000;
	return 0;
}

int
gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	double		us = host_clock(HOST_REALTIME);

	(void) zone;
	time->tv_sec = (time_t) (us / 1e6);
	time->tv_usec = (suseconds_t) (us - (double) time->tv_sec * 1e6);
	return 0;
}

time_t
time(time_t *result)
{
	time_t		now = (time_t) (host_clock(HOST_REALTIME) / 1e6);

	if (result != NULL)
		*result = now;
	return now;
}

/* The C library's time zone is UTC; PostgreSQL has its own. */
void
_tzset_js(long *zone, int *daylight, char *standard_name, char *daylight_name)
{
	*zone = 0;
	*daylight = 0;
	strcpy(standard_name, "UTC");
	strcpy(daylight_name, "UTC");
}

int
getrusage(int who, struct rusage *usage)
{
	double		us = who == RUSAGE_SELF ? host_clock(HOST_CPU_TIME) : 0;

	memset(usage, 0, sizeof(*usage));
	usage->ru_utime.tv_sec = (time_t) (us / 1e6);
	usage->ru_utime.tv_usec = (suseconds_t) (us - (double) usage->ru_utime.tv_sec * 1e6);
	return 0;
}
