/*
 * socket.h: client connections and the sockets that listen for them.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include "kernel.h"

int			socket_boot(int processes);
int			socket_give(int self, int fd, int slot);
void		socket_close(int self, int fd);
void		socket_close_all(int slot);
int			socket_poll(int self, int fd, int events);
int			socket_nonblock(int fd, int nonblock);

#endif
