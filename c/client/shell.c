/*
 * shell.c: as much of a shell as pg_dumpall needs, which runs pg_dump for each database: one program of this installation with quoted
 * arguments. All other commands get an error that says that there is no shell.
 */
#include "pg_config.h"
#include "posix/process.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "posix/command-words.h"
#include "posix/spawn.h"

#define MAX_WORDS	256
#define COMMAND_SIZE	8192

/* Splits the command, and returns how many words it has; 0 if its program is none of this installation. */
static int
split(const char *command, char text[COMMAND_SIZE], char *words[MAX_WORDS])
{
	int			count;

	if (strlen(command) >= COMMAND_SIZE)
		return 0;
	strcpy(text, command);
	count = command_words(text, words, MAX_WORDS);
	return count > 0 && words[0][0] == '/' && access(words[0], X_OK) == 0 ? count : 0;
}

int
system(const char *command)
{
	char		text[COMMAND_SIZE];
	char	   *words[MAX_WORDS];
	int			pid,
				status;

	if (command == NULL)
		return 0;				/* no shell */
	if (split(command, text, words) == 0)
	{
		errno = ENOSYS;
		return -1;
	}
	pid = process_spawn(words, -1, 0);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* What is read of a program is its version, which is that of all. */
FILE *
popen(const char *command, const char *mode)
{
	static char version[128];
	char		text[COMMAND_SIZE];
	char	   *words[MAX_WORDS];

	if (mode[0] != 'r' || split(command, text, words) != 2 || strcmp(words[1], "-V") != 0)
	{
		errno = ENOSYS;
		return NULL;
	}
	snprintf(version, sizeof(version), "%s (PostgreSQL) " PG_VERSION "\n", strrchr(words[0], '/') + 1);
	return fmemopen(version, strlen(version), "r");
}

int
pclose(FILE *file)
{
	return fclose(file);
}
