/*
 * interactive.h: a backend that the host calls with its input; included by PostgreSQL's postgres.c (patches/0004).
 */
#ifndef INTERACTIVE_H
#define INTERACTIVE_H

#include "libpq/libpq-be.h"
#include "tcop/backend_startup.h"

/* Whether PostgresMain() was called again, to go on where it returned before. */
extern bool interactive_resuming;

/* If _interactive_one() was called: reads the client's startup packet, and returns its database and user. */
extern void interactive_begin_session(const char **dbname, const char **username);

/* Returns to the caller of _interactive_one(), if there is one and the backend has processed all its input. */
extern void interactive_leave_if_idle(void);

/* In PostgreSQL's backend_startup.c. */
extern void BackendInitialize(ClientSocket *client_sock, CAC_state cac);

#endif
