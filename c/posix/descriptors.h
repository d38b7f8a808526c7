/*
 * descriptors.h: the process' file descriptors.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stddef.h>
#include "kernel/param.h"

#define NFILE			1000	/* how many descriptors a process can have; getrlimit(RLIMIT_NOFILE) returns this */

enum file_kind
{
	FILE_REGULAR,				/* a regular file; struct file has its position */
	FILE_STREAM,				/* a standard stream or a device; the host keeps the position, if it has one */
	FILE_RANDOM					/* /dev/urandom */
};

/* An open file: open() makes it, and dup() makes another descriptor of it. */
struct file
{
	int			refs;			/* descriptors that refer to it */
	enum file_kind kind;
	int			handle;			/* the host's number for it; -1 for FILE_RANDOM and directories */
	int			flags;			/* O_ bits */
	double		position;		/* where the next read or write begins */
	char	   *path;			/* the path of a directory */
	char	   *list;			/* a directory's entries, as host_list() writes them, once the process reads them */
	int			list_size;
};

/* The descriptors of pipes and sockets are numbers of the kernel, the same in all processes. */
#define IS_KERNEL_FD(fd)	((fd) >= PIPE_FD)
#define IS_SOCKET(fd)		((fd) >= SOCKET_FD)

struct file *descriptor_file(int fd);
int			descriptor_open(const struct file *file);

/* These move the bytes of sockets; sockets.c */
int			socket_recv(int fd, void *buffer, size_t length);
int			socket_send(int fd, const void *buffer, size_t length);

#endif
