/*
 * shell.c: there are no programs to run beside the server, so COPY ... PROGRAM, archive_command and the like get an
 * error that says so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

FILE *
popen(const char *command, const char *mode)
{
	(void) command;
	(void) mode;
	errno = ENOSYS;
	return NULL;
}

int
pclose(FILE *file)
{
	(void) file;
	errno = ECHILD;
	return -1;
}

int
system(const char *command)
{
	if (command == NULL)
		return 0;				/* no shell */
	errno = ENOSYS;
	return -1;
}
