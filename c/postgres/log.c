/*
 * log.c: the log is collected by the host, so that PostgreSQL needs no logging collector for it.
 *
 * Every process hands over its log as it would to PostgreSQL's own collector: in chunks that say which log an entry is
 * for and where it ends (postmaster/syslogger.h). So entries come whole, and log_destination can be jsonlog and csvlog,
 * which PostgreSQL refuses to write without a collector. The host's side is wasm/machine/log-collector.ts.
 */
#include "postgres.h"

#include "postmaster/postmaster.h"

__attribute__((constructor)) static void
log_is_collected(void)
{
	redirection_done = true;
}
