/*
 * notify.c: tells the host the server's state. PostgreSQL calls this function to tell systemd.
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
