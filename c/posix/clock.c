/*
 * clock.c: the time of day, the monotonic clock, and the CPU time used.
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

/* The C library calls it by this name. */
int
__clock_gettime(clockid_t clock, struct timespec *time)
{
	return clock_gettime(clock, time);
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

/* Days since 1970 as a date of the proleptic Gregorian calendar, counted in eras of 400 years from 1 March 0000. */
int
_gmtime_js(time_t time, struct tm *result)
{
	int64_t		days = time / 86400 - (time % 86400 < 0);
	int			seconds = (int) (time - days * 86400);
	int64_t		shifted = days + 719468;
	int64_t		era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int			day_of_era = (int) (shifted - era * 146097);
	int			year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int			day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int			month = (5 * day_of_year + 2) / 153;	/* from March on */
	int			year = (int) (year_of_era + era * 400) + (month >= 10);
	int			leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	memset(result, 0, sizeof(*result));
	result->tm_year = year - 1900;
	result->tm_mon = (month + 2) % 12;
	result->tm_mday = day_of_year - (153 * month + 2) / 5 + 1;
	result->tm_yday = month >= 10 ? day_of_year - 306 : day_of_year + 59 + leap;
	result->tm_wday = (int) (((days + 4) % 7 + 7) % 7);
	result->tm_hour = seconds / 3600;
	result->tm_min = seconds / 60 % 60;
	result->tm_sec = seconds % 60;
	return 0;
}

int
_localtime_js(time_t time, struct tm *result)
{
	return _gmtime_js(time, result);
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
