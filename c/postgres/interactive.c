/*
 * interactive.c: _interactive_one(), by which a host without threads runs one backend.
 *
 * The host hands input to its import handler and calls _interactive_one(), which returns when the backend would wait
 * for more. The first call starts the server, a standalone one without postmaster (`postgres --single`), but with a
 * client that speaks the protocol: its session begins with a startup packet as over a network. If the first byte is
 * not that of a startup packet (whose length begins with a zero byte), the session is the superuser's in the database of that
 * name, and the server's messages at its beginning are not sent to the client.
 *
 * Leaving the main loop is a longjmp to here: all the frames between would never have returned anyway. To go on,
 * PostgresMain() is entered again and continues its loop.
 */
#include "postgres.h"

#include <setjmp.h>
#include <sys/socket.h>

#include "libpq/libpq.h"
#include "libpq/libpq-be.h"
#include "libpq/pqformat.h"
#include "libpq/protocol.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"

#include "posix/client.h"
#include "postgres/interactive.h"

bool		interactive_resuming = false;

static int	arguments_count;
static char **arguments;
static jmp_buf caller;
static bool called = false;		/* a call of _interactive_one() is under way */
static bool serving = false;	/* the server has been started */

/* The startup packet of a client that sends none: length, protocol 3.0, user. */
static const char startup_packet[] = "\0\0\0\x17\0\3\0\0user\0postgres\0";

extern int	main(int argc, char *argv[]);

/* The command line to start the server with, at the first _interactive_one(). */
__attribute__((export_name("interactive_arguments"))) void
interactive_arguments(int argc, char *argv[])
{
	arguments_count = argc;
	arguments = argv;
}

/* Serves the input that the import handler has; length and first byte of what was added to it since the last call. */
__attribute__((export_name("_interactive_one"))) int
_interactive_one(int length, int first_byte)
{
	if (setjmp(caller) != 0)
	{
		called = false;
		return 0;
	}
	called = true;
	if (!serving)
	{
		serving = true;
		if (length > 0 && first_byte != 0)
			client_begin(startup_packet, sizeof(startup_packet));
		exit(main(arguments_count, arguments));
	}
	interactive_resuming = true;
	PostgresMain("", "");
}

/*
 * Without a postmaster there is no authentication: every caller may log in. But the session is that of the requested user, and not
 * the superuser's.
 */
void
interactive_begin_session(const char **dbname, const char **username)
{
	ClientSocket socket = {0};
	StringInfoData buf;

	if (!called)
		return;
	socket.sock = client_socket();
	socket.raddr.addr.ss_family = AF_UNIX;
	socket.raddr.salen = sizeof(sa_family_t);
	BackendInitialize(&socket, CAC_OK);
	*dbname = MyProcPort->database_name;
	*username = MyProcPort->user_name;
	MyProcPort->guc_options = lappend(MyProcPort->guc_options, pstrdup("session_authorization"));
	MyProcPort->guc_options = lappend(MyProcPort->guc_options, pstrdup(*username));
	pq_beginmessage(&buf, PqMsg_AuthenticationRequest);
	pq_sendint32(&buf, AUTH_REQ_OK);
	pq_endmessage(&buf);
}

void
interactive_leave_if_idle(void)
{
	if (!called)
		return;
	client_begun();
	if (pq_buffer_remaining_data() > 0 || client_has_input())
		return;
	PG_exception_stack = NULL;
	longjmp(caller, 1);
}
