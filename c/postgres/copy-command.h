/* copy-command.h: the commands that this server runs without a shell, because archives are made by them. */
#ifndef COPY_COMMAND_H
#define COPY_COMMAND_H

#include <stdbool.h>

/*
 * Runs a command of one of these forms, where FROM and TO are words or quoted:
 *
 *     cp FROM TO
 *     test ! -f FILE && cp FROM TO
 *
 * Returns whether it has one, and sets *exit_code then.
 */
extern bool run_copy_command(const char *command, int *exit_code);

#endif
