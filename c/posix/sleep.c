/*
 * sleep.c: sleeps until a signal or a time, and sets alarms. The kernel does both.
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "host-imports.h"
#include "kernel/kernel.h"
#include "process.h"

int
pause(void)
{
	return answer(sys_sleep(self, -1));
}

int
setitimer(int which, const struct itimerval *restrict new, struct itimerval *restrict old)
{
	double		left;

	if (which != ITIMER_REAL)
	{
		errno = EINVAL;
		return -1;
	}
	left = sys_alarm(self, (double) new->it_value.tv_sec * 1e3 + (double) new->it_value.tv_usec / 1e3);
	if (old != NULL)
	{
		memset(old, 0, sizeof(*old));
		old->it_value.tv_sec = (time_t) (left / 1e3);
		old->it_value.tv_usec = (suseconds_t) ((left - (double) old->it_value.tv_sec * 1e3) * 1e3);
	}
	return 0;
}

unsigned
alarm(unsigned seconds)
{
	return (unsigned) (sys_alarm(self, seconds * 1e3) / 1e3 + 0.999);
}

int
clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
	double		ms = (double) time->tv_sec * 1e3 + (double) time->tv_nsec / 1e6;
	double		start = host_clock(HOST_MONOTONIC) / 1e3;

	if (flags & TIMER_ABSTIME)
		ms -= host_clock(clock == CLOCK_REALTIME ? HOST_REALTIME : HOST_MONOTONIC) / 1e3;
	if (ms <= 0 || answer(sys_sleep(self, ms)) == 0)
		return 0;
	if (left != NULL)
	{
		ms -= host_clock(HOST_MONOTONIC) / 1e3 - start;
		if (ms < 0)
			ms = 0;
		left->tv_sec = (time_t) (ms / 1e3);
		left->tv_nsec = (long) ((ms - (double) left->tv_sec * 1e3) * 1e6);
	}
	return errno;
}

int
nanosleep(const struct timespec *time, struct timespec *left)
{
	int			error = clock_nanosleep(CLOCK_MONOTONIC, 0, time, left);

	errno = error;
	return error == 0 ? 0 : -1;
}

int
usleep(unsigned microseconds)
{
	struct timespec time = {microseconds / 1000000, (long) (microseconds % 1000000) * 1000};

	return nanosleep(&time, NULL);
}

unsigned
sleep(unsigned seconds)
{
	struct timespec time = {(time_t) seconds, 0};

	return nanosleep(&time, &time) == 0 ? 0 : (unsigned) time.tv_sec + 1;
}
