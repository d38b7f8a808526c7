/*
 * session-clock.h: the setting pglite_imports.now, and the time that the statements of a session see because of it. guc_tables.c, timestamp.c,
 * datetime.c and date.c call this.
 */
#ifndef SESSION_CLOCK_H
#define SESSION_CLOCK_H

#include <sys/time.h>

#include "datatype/timestamp.h"
#include "utils/guc.h"

/* What the session's statements see at the given time of the system. */
extern TimestampTz session_time(TimestampTz system_time);

/* gettimeofday() of the session's statements. */
extern void session_timeofday(struct timeval *result);

extern char *session_now;		/* the setting */
extern bool check_session_now(char **newval, void **extra, GucSource source);
extern void assign_session_now(const char *newval, void *extra);

#endif
