/*
 * shell.c: as much of a shell as initdb needs of popen() and system(): one program with quoted arguments.
 *
 * popen() runs a command whose output is read before it returns; pclose() runs a command that is written to. A temporary file
 * holds the bytes meanwhile. Redirected output is dropped.
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

#define MAX_WORDS	64

static char pending[4096];		/* the command that the next pclose() runs */
static char transfer[64];		/* that file, each initdb's its own */

static int
run(const char *command, const char *input)
{
	char		text[4096];
	char	   *words[MAX_WORDS];
	char	   *arguments[MAX_WORDS + 6];
	char		streams[3][sizeof(transfer) + 2] = {"", STREAM_MARK "1/dev/null", STREAM_MARK "2/dev/null"};
	bool		redirected[3] = {true, false, false};
	int			count,
				kept = 0,
				status;

	snprintf(text, sizeof(text), "%s", command);
	snprintf(streams[0], sizeof(streams[0]), STREAM_MARK "0%s", input);
	count = command_words(text, words, MAX_WORDS);
	for (int i = 0; i < count; i++)
	{
		int			stream = words[i][0] == '>' ? 1 : strncmp(words[i], "2>", 2) == 0 ? 2 : 0;

		if (stream == 0 && words[i][0] != '<')
		{
			arguments[kept++] = words[i];
			continue;
		}
		redirected[stream] = true;
		if (words[i][1] == '\0')	/* the file is the next word */
			i++;
	}
	arguments[kept] = NULL;

	/*
	 * A child has the host's environment, not the one in which initdb has set PGDATA. The option goes behind the first
	 * one, which says what kind of server it is to be.
	 */
	if (getenv("PGDATA") != NULL && kept >= 2)
	{
		memmove(arguments + 4, arguments + 2, (kept - 1) * sizeof(char *));
		arguments[2] = "-D";
		arguments[3] = getenv("PGDATA");
		kept += 2;
	}

	for (int i = 0; i < 3; i++)
		if (redirected[i])
			arguments[kept++] = streams[i];
	arguments[kept] = NULL;

	int			pid = process_spawn(arguments, -1, 0);

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

int
system(const char *command)
{
	return run(command, "/dev/null");
}

/* initdb reads the output of only one command: the server's version, to compare it with its own. */
FILE *
popen(const char *command, const char *mode)
{
	static char version[] = "postgres (PostgreSQL) " PG_VERSION "\n";

	pending[0] = '\0';
	if (mode[0] == 'r')
		return strstr(command, "-V") != NULL ? fmemopen(version, strlen(version), "r") : NULL;
	snprintf(pending, sizeof(pending), "%s", command);
	snprintf(transfer, sizeof(transfer), "/tmp/initdb-pipe-%d", getpid());
	return fopen(transfer, "w");
}

int
pclose(FILE *file)
{
	int			status = 0;

	fclose(file);
	if (pending[0] != '\0')
	{
		status = run(pending, transfer);
		unlink(transfer);
	}
	return status;
}
