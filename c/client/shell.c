/*
 * shell.c: there are no other programs for psql's \! and \o |..., so these get an error that says so.
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
	return fclose(file);
}

int
system(const char *command)
{
	if (command == NULL)
		return 0;				/* no shell */
	errno = ENOSYS;
	return -1;
}
