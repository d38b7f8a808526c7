/*
 * peer.h: the user at the other end of a connection.
 */
#ifndef PEER_H
#define PEER_H

#include <sys/socket.h>

/* SO_PEERCRED of getsockopt() */
extern int	peer_credentials(int fd, struct ucred *credentials, socklen_t *length);

#endif
