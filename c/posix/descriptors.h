/*
 * descriptors.h: the process' file descriptors.
 */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

#include <stddef.h>
#include "kernel/param.h"

#define NFILE			1000	/* descriptors a process can have; what getrlimit(RLIMIT_NOFILE) says */

enum file_kind
{
	FILE_REGULAR,				/* has a position of its own, kept here */
	FILE_STREAM,				/* standard streams and devices: the host keeps the position, if any */
	FILE_RANDOM					/* /dev/urandom */
};

/* An open file: what open() made and dup() shares. */
struct file
{
	int			refs;			/* descriptors that refer to it */
	enum file_kind kind;
	int			handle;			/* the host's; -1 for FILE_RANDOM and directories */
	int			flags;			/* O_ bits */
	double		position;		/* of the next read or write */
	char	   *path;			/* of a directory */
	char	   *list;			/* a directory's entries once it is being read, as host_list() gives them */
	int			list_size;
};

/* Pipes and sockets have descriptors of the kernel's, the same in all processes. */
#define IS_KERNEL_FD(fd)	((fd) >= PIPE_FD)
#define IS_SOCKET(fd)		((fd) >= SOCKET_FD)

struct file *descriptor_file(int fd);
int			descriptor_open(const struct file *file);

/* The bytes of sockets; sockets.c */
int			socket_recv(int fd, void *buffer, size_t length);
int			socket_send(int fd, const void *buffer, size_t length);

#endif
