/*
 * log.c: sends the log to the host, which collects it in place of PostgreSQL's logging collector.
 *
 * Every process writes its log as it would for PostgreSQL's own collector: in chunks that say which log an entry is
 * for and where it ends (postmaster/syslogger.h). So entries stay whole, and log_destination can be jsonlog and csvlog,
 * which PostgreSQL refuses to write without a collector. The host's side is wasm/machine/log-collector.ts.
 */
#include "postgres.h"

#include "postmaster/postmaster.h"

__attribute__((constructor)) static void
log_is_collected(void)
{
	redirection_done = true;
}
