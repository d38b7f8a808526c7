/*
 * notify.c: tell the host about the server's state, by the call with which PostgreSQL tells systemd.
 */
#include <systemd/sd-daemon.h>
#include "host-imports.h"

int
sd_notify(int unset_environment, const char *state)
{
	(void) unset_environment;
	host_notify_state(state);
	return 1;
}
