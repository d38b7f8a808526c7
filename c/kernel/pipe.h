/*
 * pipe.h: pipes. A pipe belongs to the process that made it; other processes may use its ends as long as that process lives.
 */
#ifndef PIPE_H
#define PIPE_H

#include "kernel.h"

int			pipe_boot(int processes);
void		pipe_close(int self, int fd);
void		pipe_close_all(int slot);
int			pipe_poll(int self, int fd, int events);
int			pipe_nonblock(int fd, int nonblock);
void		pipe_check_idle(void);

#endif
