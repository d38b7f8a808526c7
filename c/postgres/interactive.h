/*
 * interactive.h: a backend that is called with its input; included by PostgreSQL's postgres.c (patches/0004).
 */
#ifndef INTERACTIVE_H
#define INTERACTIVE_H

#include "libpq/libpq-be.h"
#include "tcop/backend_startup.h"

/* PostgresMain() is entered again, to go on from where it was left. */
extern bool interactive_resuming;

/* Meets the client and reads its startup packet, if _interactive_one() has been called: who wants to use what. */
extern void interactive_begin_session(const char **dbname, const char **username);

/* Returns to the caller of _interactive_one(), if there is one, once all its input has been used up. */
extern void interactive_leave_if_idle(void);

/* In PostgreSQL's backend_startup.c. */
extern void BackendInitialize(ClientSocket *client_sock, CAC_state cac);

#endif
