/*
 * sd-daemon.h: the only function of systemd's header that PostgreSQL calls when built with USE_SYSTEMD; see posix/notify.c.
 */
#ifndef SD_DAEMON_H
#define SD_DAEMON_H

extern int	sd_notify(int unset_environment, const char *state);

#endif
