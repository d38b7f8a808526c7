/*
 * process.c: starts and ends this process, makes others and waits for them.
 */
#include "process.h"
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client.h"
#include "host-imports.h"
#include "kernel/kernel.h"
#include "spawn.h"

int			self;

int			__main_argc_argv(int argc, char *argv[]);

/* Before the C library's constructors run, so that they can allocate and signals have a place to be kept. */
__attribute__((export_name("process_start"))) void
process_start(int slot)
{
	self = slot;
	signals_start();
	descriptors_start();
	limits_start();
	client_start();
}

/* Opens a standard stream of this process, which an argument with STREAM_MARK names: see spawn.h. */
static void
redirect(const char *stream)
{
	int			number = stream[0] - '0';
	int			fd = open(stream + 1, number == STDIN_FILENO ? O_RDONLY : O_WRONLY);

	if (fd < 0 || dup2(fd, number) < 0)
		exit(127);
	close(fd);
}

/* Runs the program. Returns only through exit(). */
__attribute__((export_name("process_main"))) void
process_main(int argc, char *argv[])
{
	while (argc > 0 && argv[argc - 1][0] == STREAM_MARK[0])
	{
		redirect(argv[--argc] + 1);
		argv[argc] = NULL;
	}
	exit(__main_argc_argv(argc, argv));
}

int
process_spawn(char *const argv[], int client, int attendant)
{
	fflush(NULL);
	return answer(sys_spawn(self, argv, client, attendant));
}

/* ---- ending ---- */

_Static_assert(WEXITSTATUS(1 << STATUS_CODE_SHIFT) == 1 && WTERMSIG(~0) == STATUS_SIGNAL_MASK,
			   "wait statuses are the C library's");

/* The C library's functions: the first runs the functions of atexit(), the other writes what stdio has buffered. */
extern void __funcs_on_exit(void);
extern void __stdio_exit(void);

_Noreturn void
exit(int code)
{
	__funcs_on_exit();
	__stdio_exit();
	_Exit(code);
}

_Noreturn void
__wasi_proc_exit(uint32_t code)
{
	host_exit((int) (code & 0xff) << STATUS_CODE_SHIFT);
}

_Noreturn void
abort(void)
{
	host_exit(SIGABRT);
}

_Noreturn void
_abort_js(void)
{
	host_exit(SIGABRT);
}

_Noreturn void
__assert_fail(const char *expression, const char *file, int line, const char *function)
{
	fprintf(stderr, "%s:%d: %s: assertion \"%s\" failed\n", file, line, function, expression);
	abort();
}

/* ---- identity ---- */

pid_t
getpid(void)
{
	return sys_getpid(self);
}

pid_t
getppid(void)
{
	return sys_getppid(self);
}

pid_t
gettid(void)
{
	return sys_getpid(self);
}

pid_t
getpgrp(void)
{
	return sys_getpid(self);
}

pid_t
getpgid(pid_t pid)
{
	return pid == 0 ? getpid() : pid;
}

int
setpgid(pid_t pid, pid_t group)
{
	(void) pid;
	(void) group;
	return 0;
}

pid_t
setsid(void)
{
	return getpid();
}

/* ---- children ---- */

/* There is no fork; a child is started by process_spawn(). */
pid_t
fork(void)
{
	errno = ENOSYS;
	return -1;
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
	int			ignored;

	return answer(sys_waitpid(self, pid, status != NULL ? status : &ignored, !(options & WNOHANG)));
}

pid_t
wait(int *status)
{
	return waitpid(-1, status, 0);
}
