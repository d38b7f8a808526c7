/*
 * select.h: in front of the C library's header of this name, whose sets have a bit for each descriptor up to 1024. The numbers of sockets are
 * larger here (kernel/param.h), so a set is a list of them. posix/select.c has the functions.
 */
#include_next <sys/select.h>

#ifndef OWN_SELECT_H
#define OWN_SELECT_H

#define DESCRIPTOR_SET_ROOM	1024

struct descriptor_set
{
	int			count;
	int			fds[DESCRIPTOR_SET_ROOM];
};

extern void descriptor_set_add(int fd, struct descriptor_set *set);
extern void descriptor_set_remove(int fd, struct descriptor_set *set);
extern int	descriptor_set_has(int fd, const struct descriptor_set *set);
extern int	select_descriptors(struct descriptor_set *read, struct descriptor_set *write, struct descriptor_set *except, const struct timeval *timeout);

#undef FD_SETSIZE
#undef FD_ZERO
#undef FD_SET
#undef FD_CLR
#undef FD_ISSET

#define fd_set			struct descriptor_set
#define FD_SETSIZE		0x7fffffff	/* no descriptor is too large */
#define FD_ZERO(set)	((void) ((set)->count = 0))
#define FD_SET(fd, set)	descriptor_set_add(fd, set)
#define FD_CLR(fd, set)	descriptor_set_remove(fd, set)
#define FD_ISSET(fd, set) descriptor_set_has(fd, set)
#define select(end, read, write, except, timeout) select_descriptors(read, write, except, timeout)

#endif
