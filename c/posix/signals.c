/*
 * signals.c: sends and handles signals.
 *
 * The kernel keeps the pending signals. Nothing can interrupt WebAssembly code, so handlers run when the process checks for
 * signals: when it waits in the kernel, unblocks or sends signals, and at PostgreSQL's CHECK_FOR_INTERRUPTS(), which
 * tests *pending_signals (patches/0002).
 */
#include "signals.h"
#include <signal.h>
#include <stdint.h>
#include <unistd.h>
#include "host-imports.h"
#include "process.h"
#include "signal-check.h"

#define NSIGNAL		32
#define IGNORED_BY_DEFAULT (SIGNAL_BIT(SIGCHLD) | SIGNAL_BIT(SIGURG) | SIGNAL_BIT(SIGCONT) | SIGNAL_BIT(SIGWINCH))

static struct sigaction actions[NSIGNAL + 1];
struct signals *own_signals;

/* Read at every interrupt check: never NULL, even before the process has started. */
static const volatile uint32_t none = 0;
const volatile uint32_t *pending_signals = &none;

/*
 * If processes share a thread, one that computes has to yield now and then. So every interrupt check calls
 * signals_dispatch(), which counts them, until the first yield shows that each process has a thread of its own.
 */
static const volatile uint32_t always = 1;
static int	checks_left = 1;

void
signals_start(void)
{
	own_signals = sys_signals(self);
	own_signals->ignored = IGNORED_BY_DEFAULT;
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
		pending_signals = &own_signals->pending;
}

static void
deliver(int signal)
{
	struct sigaction action = actions[signal];
	uint32_t	blocked = own_signals->blocked;

	if (action.sa_handler == SIG_IGN)
		return;
	if (action.sa_handler == SIG_DFL)
	{
		if (SIGNAL_BIT(signal) & IGNORED_BY_DEFAULT)
			return;
		host_exit(signal);
	}
	if (handlers++ == 0)
		blocked_before = blocked;
	own_signals->blocked = blocked | SIGNAL_BIT(signal);
	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction(signal, NULL, NULL);
	else
		action.sa_handler(signal);
	own_signals->blocked = blocked;
	handlers--;
}

/*
 * longjmp() calls this: see --wrap in wasm/build/link.ts. The C library's siglongjmp() is the same function, but psql leaves
 * its handler by it, and expects that signals interrupt it again.
 */
_Noreturn void __real___wasm_longjmp(void *env, int value);
_Noreturn void __wrap___wasm_longjmp(void *env, int value);

_Noreturn void
__wrap___wasm_longjmp(void *env, int value)
{
	if (handlers > 0)
	{
		handlers = 0;
		own_signals->blocked = blocked_before;
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
	while ((ready = own_signals->pending & ~own_signals->blocked) != 0)
	{
		int			signal = __builtin_ctz(ready) + 1;

		__atomic_fetch_and(&own_signals->pending, ~SIGNAL_BIT(signal), __ATOMIC_SEQ_CST);
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
		if (action->sa_handler == SIG_IGN ||
			(action->sa_handler == SIG_DFL && (SIGNAL_BIT(signal) & IGNORED_BY_DEFAULT)))
			own_signals->ignored |= SIGNAL_BIT(signal);
		else
			own_signals->ignored &= ~SIGNAL_BIT(signal);
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

/* ---- sending ---- */

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
