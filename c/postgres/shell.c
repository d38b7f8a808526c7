/*
 * shell.c: there is no shell, and there are no programs beside the server. So COPY ... PROGRAM gets an error that says so;
 * archive_command, restore_command and others fail like a command that a shell does not find, and the log says why.
 *
 * There are three exceptions: `cp` is done by the server itself, so that archive_command and restore_command work with a folder
 * (copy-command.h); the postmaster asks the program of its children for its version, to make sure
 * that it is of the same build, and here it always is; and PostgreSQL asks for the system's locales with "locale -a".
 */
#include "postgres.h"

#include <stdio.h>
#include <stdlib.h>

#include "access/xact.h"
#include "libpq/pqsignal.h"
#include "locale/names.h"
#include "postgres/copy-command.h"

#define NOT_FOUND	127			/* the exit code of a shell that does not find a command */

static const char version_request[] = "\" -V";
static char version_answer[] = PG_BACKEND_VERSIONSTR;

static bool
asks_for_version(const char *command)
{
	size_t		length = strlen(command);
	size_t		suffix = sizeof(version_request) - 1;

	return length >= suffix && strcmp(command + length - suffix, version_request) == 0;
}

static void
report(int level, const char *command)
{
	ereport(level,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("could not execute command \"%s\"", command),
			 errdetail("This server has neither a shell nor programs to run.")));
}

FILE *
popen(const char *command, const char *mode)
{
	if (*mode == 'r' && asks_for_version(command))
		return fmemopen(version_answer, sizeof(version_answer) - 1, "r");
	if (strcmp(command, "locale -a") == 0)
	{
		/* The memory is not freed: this is called once, when a cluster is made or by pg_import_system_collations(). */
		char	   *names = locale_names();

		return names == NULL ? NULL : fmemopen(names, strlen(names), "r");
	}

	/*
	 * OpenPipeStream() and its caller would ignore SIGPIPE again, and report "Function not implemented". Outside of a transaction this
	 * function lets them do that, because the postmaster must survive a reload that asks for a passphrase.
	 */
	pqsignal(SIGPIPE, SIG_IGN);
	report(IsTransactionState() ? ERROR : LOG, command);
	errno = ENOSYS;
	return NULL;
}

int
system(const char *command)
{
	int			exit_code;

	if (command == NULL)
		return 0;				/* no shell */
	if (run_copy_command(command, &exit_code))
		return exit_code << 8;
	report(LOG, command);
	return NOT_FOUND << 8;
}
