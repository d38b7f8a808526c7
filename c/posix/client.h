/*
 * client.h: the process' client.
 */
#ifndef CLIENT_H
#define CLIENT_H

#include <stdbool.h>
#include <stddef.h>

extern void client_start(void);

/* The client socket's descriptor; made up when no socket of the kernel's was handed to this process. */
extern int	client_socket(void);
extern bool is_client(int fd);

/* As sys_recv() and sys_send(). */
extern int	client_recv(void *buffer, size_t length);
extern int	client_send(const void *buffer, size_t length);

/* Is there anything to read right now? */
extern bool client_has_input(void);

/* Have the process read these bytes before the client's own, and drop what it writes until client_begun(). */
extern void client_begin(const char *bytes, size_t length);
extern void client_begun(void);

#endif
