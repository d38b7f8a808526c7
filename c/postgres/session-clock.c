/*
 * session-clock.c: now() of a session can be set, for tests.
 *
 * Only SQL functions and the words 'now', 'today', 'tomorrow' and 'yesterday' in input take their time from here. All that PostgreSQL does
 * by itself, such as timeouts, statistics, WAL, autovacuum, the log and the expiry of passwords, goes by the time of the system.
 *
 * The setting is a timestamp, at which the time stands still, or an interval that begins with a sign, by which the time is ahead or
 * behind. It is rewritten when it is set: a timestamp in UTC, an interval in hours from the present moment. So neither another time zone nor the
 * later moment at which a parallel worker reads it changes what it means.
 */
#include "postgres.h"

#include <limits.h>

#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/miscnodes.h"
#include "postgres/session-clock.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Of each of the fields of an interval. With all three of them the result is in the range of timestamps. */
#define MAX_SHIFT_YEARS		1000
#define MAX_SHIFT_DAYS		(MAX_SHIFT_YEARS * INT64CONST(366))

typedef struct SessionClock
{
	bool		stands_still;
	int64		time;			/* a TimestampTz where it stands still, else microseconds ahead of the system's */
} SessionClock;

static const SessionClock system_clock = {false, 0};

char	   *session_now;
static SessionClock session_clock;

TimestampTz
session_time(TimestampTz system_time)
{
	return session_clock.stands_still ? session_clock.time : system_time + session_clock.time;
}

void
session_timeofday(struct timeval *result)
{
	TimestampTz time = session_time(GetCurrentTimestamp());
	int64		seconds = time / USECS_PER_SEC;

	if (time % USECS_PER_SEC < 0)
		seconds--;
	result->tv_sec = seconds + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
	result->tv_usec = time - seconds * USECS_PER_SEC;
}

/* Reads a value by its type's input function. If that refuses it, its message becomes the detail of the setting's. */
static bool
read_value(PGFunction input, char *text, Datum *result)
{
	ErrorSaveContext context = {T_ErrorSaveContext, .details_wanted = true};

	if (DirectInputFunctionCallSafe(input, text, InvalidOid, -1, (Node *) &context, result))
		return true;
	GUC_check_errdetail("%s.", context.error_data->message);
	GUC_check_errhint("Set a timestamp, at which the time stands still, or an interval that begins with + or -, by which it is shifted.");
	return false;
}

static bool
read_timestamp(char *text, SessionClock *clock, char *rewritten)
{
	Datum		value;
	struct pg_tm tm;
	fsec_t		fsec;

	if (!read_value(timestamptz_in, text, &value))
		return false;
	clock->stands_still = true;
	clock->time = DatumGetTimestampTz(value);
	if (TIMESTAMP_NOT_FINITE(clock->time) || timestamp2tm(clock->time, NULL, &tm, &fsec, NULL, NULL) != 0)
	{
		GUC_check_errdetail("The timestamp must be finite.");
		return false;
	}
	tm.tm_isdst = 0;			/* or the offset is not written */
	EncodeDateTime(&tm, fsec, true, 0, NULL, USE_ISO_DATES, rewritten);
	return true;
}

static bool
read_interval(char *text, SessionClock *clock, char *rewritten)
{
	Datum		value;
	Interval   *interval;
	TimestampTz now = GetCurrentTimestamp();
	int64		rest;

	if (!read_value(interval_in, text, &value))
		return false;
	interval = DatumGetIntervalP(value);
	/* Infinite ones are longer, too. */
	if (abs(interval->month / MONTHS_PER_YEAR) >= MAX_SHIFT_YEARS || i64abs(interval->day) >= MAX_SHIFT_DAYS ||
		i64abs(interval->time / USECS_PER_DAY) >= MAX_SHIFT_DAYS)
	{
		GUC_check_errdetail("The interval must be shorter than %d years.", MAX_SHIFT_YEARS);
		return false;
	}
	clock->stands_still = false;
	clock->time = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), value)) - now;
	rest = i64abs(clock->time);
	snprintf(rewritten, MAXDATELEN, "%c" INT64_FORMAT ":%02d:%02d.%06d", clock->time < 0 ? '-' : '+', rest / USECS_PER_HOUR,
			 (int) (rest / USECS_PER_MINUTE % MINS_PER_HOUR), (int) (rest / USECS_PER_SEC % SECS_PER_MINUTE),
			 (int) (rest % USECS_PER_SEC));
	return true;
}

/* An error here would end the postmaster when it reads its configuration, so all that the user may write only makes it return false. */
bool
check_session_now(char **newval, void **extra, GucSource source pg_attribute_unused())
{
	char	   *text = *newval;
	char		rewritten[MAXDATELEN + 1];
	SessionClock clock;
	char	   *copy;

	while (isspace((unsigned char) *text))
		text++;
	if (*text == '\0')
		return true;
	if (*text == '+' || *text == '-')
	{
		if (!read_interval(text, &clock, rewritten))
			return false;
	}
	else if (!read_timestamp(text, &clock, rewritten))
		return false;

	copy = guc_strdup(LOG, rewritten);
	*extra = guc_malloc(LOG, sizeof(clock));
	if (copy == NULL || *extra == NULL)
		return false;
	guc_free(*newval);
	*newval = copy;
	*(SessionClock *) *extra = clock;
	return true;
}

void
assign_session_now(const char *newval pg_attribute_unused(), void *extra)
{
	session_clock = extra == NULL ? system_clock : *(SessionClock *) extra;
}
