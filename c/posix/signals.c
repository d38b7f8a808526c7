/*
 * signals.c: handlers and masks.
 *
 * The kernel keeps which signals are pending; nothing can interrupt WebAssembly code, so handlers run when the process
 * looks: when it waits in the kernel, unblocks or sends signals, and at PostgreSQL's CHECK_FOR_INTERRUPTS(), which
 * tests *pending_signals (patches/0002).
 */
#include "process.h"
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include "host-imports.h"
#include "kernel/kernel.h"
#include "signal-check.h"

#define NSIGNAL		32
#define BIT(n)		(1u << ((n) - 1))
#define IGNORED_BY_DEFAULT (BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGCONT) | BIT(SIGWINCH))

static struct sigaction actions[NSIGNAL + 1];
static struct signals *signals;

/* Read at every interrupt check: never NULL, even before the process has started. */
static const volatile uint32_t none = 0;
const volatile uint32_t *pending_signals = &none;

/*
 * Where processes share a thread, one that computes has to give way now and then. Then every interrupt check leads to
 * signals_dispatch(), which counts them; that there is a thread for each turns out when the first turn is over.
 */
static const volatile uint32_t always = 1;
static int	checks_left = 1;

void
signals_start(void)
{
	signals = sys_signals(self);
	signals->ignored = IGNORED_BY_DEFAULT;
	pending_signals = &always;
}

/* How many handlers run, each within the one before, and what was blocked before the first. */
static int	handlers;
static uint32_t blocked_before;

static void
give_way(void)
{
	checks_left = host_yield();
	if (checks_left == 0)
		pending_signals = &signals->pending;
}

static void
deliver(int signal)
{
	struct sigaction action = actions[signal];
	uint32_t	blocked = signals->blocked;

	if (action.sa_handler == SIG_IGN)
		return;
	if (action.sa_handler == SIG_DFL)
	{
		if (BIT(signal) & IGNORED_BY_DEFAULT)
			return;
		host_exit(signal);
	}
	if (handlers++ == 0)
		blocked_before = blocked;
	signals->blocked = blocked | BIT(signal);
	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction(signal, NULL, NULL);
	else
		action.sa_handler(signal);
	signals->blocked = blocked;
	handlers--;
}

/*
 * What longjmp() is made of: see --wrap in wasm/build/link.ts. To the C library siglongjmp() is the same, but psql leaves
 * its handler by it, and expects to be interrupted again.
 */
_Noreturn void __real___wasm_longjmp(void *env, int value);
_Noreturn void __wrap___wasm_longjmp(void *env, int value);

_Noreturn void
__wrap___wasm_longjmp(void *env, int value)
{
	if (handlers > 0)
	{
		handlers = 0;
		signals->blocked = blocked_before;
	}
	__real___wasm_longjmp(env, value);
}

void
signals_dispatch(void)
{
	int			saved_errno = errno;
	uint32_t	ready;

	if (checks_left > 0 && --checks_left == 0)
		give_way();
	while ((ready = signals->pending & ~signals->blocked) != 0)
	{
		int			signal = __builtin_ctz(ready) + 1;

		__atomic_fetch_and(&signals->pending, ~BIT(signal), __ATOMIC_SEQ_CST);
		deliver(signal);
	}
	errno = saved_errno;
}

int
sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict old)
{
	if (signal < 1 || signal > NSIGNAL)
	{
		errno = EINVAL;
		return -1;
	}
	if (old != NULL)
		*old = actions[signal];
	if (action != NULL)
	{
		actions[signal] = *action;
		if (action->sa_handler == SIG_IGN || (action->sa_handler == SIG_DFL && (BIT(signal) & IGNORED_BY_DEFAULT)))
			signals->ignored |= BIT(signal);
		else
			signals->ignored &= ~BIT(signal);
	}
	return 0;
}

void
(*signal(int signal, void (*handler) (int))) (int)
{
	struct sigaction action = {.sa_handler = handler};
	struct sigaction old;

	return sigaction(signal, &action, &old) < 0 ? SIG_ERR : old.sa_handler;
}

int
sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	if (old != NULL)
	{
		memset(old, 0, sizeof(*old));
		memcpy(old, (const void *) &signals->blocked, sizeof(uint32_t));
	}
	if (set != NULL)
	{
		uint32_t	mask;

		memcpy(&mask, set, sizeof(mask));
		if (how == SIG_BLOCK)
			signals->blocked |= mask;
		else if (how == SIG_UNBLOCK)
			signals->blocked &= ~mask;
		else
			signals->blocked = mask;
		if (signals->pending & ~signals->blocked)
			signals_dispatch();
	}
	return 0;
}

int
pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return sigprocmask(how, set, old);
}

int
sigpending(sigset_t *set)
{
	uint32_t	held = signals->pending & signals->blocked;

	memset(set, 0, sizeof(*set));
	memcpy(set, &held, sizeof(held));
	return 0;
}

int
sigsuspend(const sigset_t *mask)
{
	uint32_t	blocked = signals->blocked;

	memcpy((void *) &signals->blocked, mask, sizeof(uint32_t));
	answer(sys_sleep(self, -1));
	signals->blocked = blocked;
	return -1;
}

/* Takes one of these signals, which the caller has blocked. */
int
sigwait(const sigset_t *restrict set, int *restrict signal)
{
	uint32_t	wanted,
				ready;

	memcpy(&wanted, set, sizeof(wanted));
	while ((ready = signals->pending & wanted) == 0)
		if (sys_sleep(self, 10) == -EINTR)
			signals_dispatch();
	*signal = __builtin_ctz(ready) + 1;
	__atomic_fetch_and(&signals->pending, ~BIT(*signal), __ATOMIC_SEQ_CST);
	return 0;
}

int
pause(void)
{
	return answer(sys_sleep(self, -1));
}

int
kill(pid_t pid, int signal)
{
	int			result;

	if (pid < 0)
		pid = -pid;				/* a process group here is its leader alone */
	result = sys_kill(self, pid, signal);
	if (result == -ESRCH)
		result = host_kill(pid, signal);
	if (result == 0 && pid == getpid())
		signals_dispatch();
	return answer(result);
}

int
killpg(pid_t group, int signal)
{
	return kill(group, signal);
}

int
raise(int signal)
{
	return kill(getpid(), signal);
}

/* ---- alarms and sleeping ---- */

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
