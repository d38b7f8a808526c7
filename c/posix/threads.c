/*
 * threads.c: the functions about threads that the C library calls. A process has one thread. Defining them here keeps the
 * toolchain's own thread runtime, which needs its own JavaScript, out of the module.
 */
#include "process.h"
#include <pthread.h>
#include <stdint.h>
#include <stddef.h>

/* The C library reads its thread's data, such as errno's locale, through this address. */
static char thread[1024] __attribute__((aligned(16)));

uintptr_t
__get_tp(void)
{
	return (uintptr_t) thread;
}

pthread_t
pthread_self(void)
{
	return (pthread_t) thread;
}

int			_emscripten_main_thread_futex;

int
emscripten_futex_wait(volatile void *address, uint32_t value, double ms)
{
	(void) address;
	(void) value;
	(void) ms;
	return -EWOULDBLOCK;
}

int
emscripten_futex_wake(volatile void *address, int count)
{
	(void) address;
	(void) count;
	return 0;
}

void
_emscripten_yield(double now)
{
	(void) now;
}

int
_emscripten_thread_notify(void *who)
{
	(void) who;
	return 0;
}

int
emscripten_is_main_runtime_thread(void)
{
	return 0;
}

int
emscripten_is_main_browser_thread(void)
{
	return 0;
}

int
_emscripten_thread_supports_atomics_wait(void)
{
	return 1;
}

void
__wait(volatile int *address, volatile int *waiters, int value, int private)
{
	(void) address;
	(void) waiters;
	(void) value;
	(void) private;
}

/* Locks do nothing: there is no other thread. */
void
__lock(volatile int *lock)
{
	(void) lock;
}

void
__unlock(volatile int *lock)
{
	(void) lock;
}

int
__lockfile(void *file)
{
	(void) file;
	return 0;
}

void
__unlockfile(void *file)
{
	(void) file;
}

#define DOES_NOTHING(name) \
	int name(void *a); \
	int name(void *a) { (void) a; return 0; }

DOES_NOTHING(__pthread_mutex_lock)
DOES_NOTHING(__pthread_mutex_unlock)
DOES_NOTHING(__pthread_mutex_trylock)

int
pthread_mutex_lock(pthread_mutex_t *mutex)
{
	(void) mutex;
	return 0;
}

int
pthread_mutex_unlock(pthread_mutex_t *mutex)
{
	(void) mutex;
	return 0;
}

int
pthread_mutex_trylock(pthread_mutex_t *mutex)
{
	(void) mutex;
	return 0;
}

int
pthread_mutex_init(pthread_mutex_t *restrict mutex, const pthread_mutexattr_t *restrict attributes)
{
	(void) mutex;
	(void) attributes;
	return 0;
}

int
pthread_mutex_destroy(pthread_mutex_t *mutex)
{
	(void) mutex;
	return 0;
}

int
__pthread_mutex_timedlock(void *mutex, const void *until)
{
	(void) mutex;
	(void) until;
	return 0;
}

int
pthread_once(pthread_once_t *once, void (*initialize) (void))
{
	if (*once == 0)
	{
		*once = 1;
		initialize();
	}
	return 0;
}

/* There are no others to be had: pgbench says so for -j. */
int
pthread_create(pthread_t *restrict made, const pthread_attr_t *restrict attributes, void *(*function) (void *), void *restrict argument)
{
	(void) made;
	(void) attributes;
	(void) function;
	(void) argument;
	return EAGAIN;
}

int
pthread_join(pthread_t other, void **result)
{
	(void) other;
	(void) result;
	return ESRCH;
}

void
pthread_testcancel(void)
{
}

void
__pthread_testcancel(void)
{
}

int
pthread_setcancelstate(int state, int *old)
{
	(void) state;
	if (old != NULL)
		*old = 0;
	return 0;
}

int
__pthread_setcancelstate(int state, int *old)
{
	return pthread_setcancelstate(state, old);
}

void
__vm_wait(void)
{
}

void
__vm_lock(void)
{
}

void
__vm_unlock(void)
{
}
