/*
 * client.h: the client of a process.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>

extern void client_start(void);

/* The client socket's descriptor. If the process was started without a socket, it is a number that no socket has. */
extern int	client_socket(void);
extern bool is_client(int fd);

/* These return what sys_recv() and sys_send() would. */
extern int	client_recv(void *buffer, size_t length);
extern int	client_send(const void *buffer, size_t length);

/* Is there input to read now? */
extern bool client_has_input(void);

/* Until client_begun() the process reads these bytes before the client's own, and what it writes is dropped. */
extern void client_begin(const char *bytes, size_t length);
extern void client_begun(void);

#endif
