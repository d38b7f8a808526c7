/*
 * param.h: every limit of the kernel, in one place.
 *
 * What depends on the number of connections (processes, pipes, sockets) is sized by the host when it boots the
 * kernel; see kernel_boot().
 */
#ifndef PARAM_H
#define PARAM_H

#define PAGE_SIZE		65536	/* a WebAssembly page: the unit in which memory is handed out */
#define HEAP_STEP		(2 * PAGE_SIZE)	/* what a process' malloc asks for at a time, or more */
#define FIRST_HEAP		(2 * HEAP_STEP)	/* about what a process needs to begin */
#define CLIENT_HEAP		(6 * HEAP_STEP)	/* the same for one that has a client, and what its first queries need */
#define NPAGE			65536	/* pages in the 4 GiB that 32 bits can address */
#define RING_SIZE		65536	/* bytes buffered per direction of a connection; a power of two */
#define STACK_ROOM		(384 * 1024)	/* bytes of C stack beyond the depth that a process may use; see posix/stack.h */
#define STACK_ALIGNMENT	16			/* what compiled code takes the stack pointer to be a multiple of */
#define PIPE_SIZE		4096	/* bytes buffered in a pipe; at least PIPE_BUF, so such writes are atomic */
#define NSHM			256		/* System V shared memory segments at once */
#define CONNECTIONS_EACH 2		/* sockets per process in the table, on average: its client, and a connection of its own */
#define BACKLOG			128		/* connections waiting in a listening socket's accept queue */
#define MAX_FIRST_ARGS	1024	/* arguments of the first process: a postmaster has two for each setting */
#define ARGS_SIZE		PAGE_SIZE	/* room for a process' argument strings and vector */
#define PATH_SIZE		1024	/* a process' working directory; PostgreSQL's MAXPGPATH */
#define RESOLVER		"@resolver"	/* the unix socket at which the host resolves names; see c/posix/resolver.c */
#define TLS_SERVICE		"@tls"	/* the one at which the host does TLS; see c/postgres/tls.c */
#define LOCK_PATIENCE	50.0	/* ms that one wait for a lock may take */
#define LOCK_LIMIT		20		/* waits without a release in between, after which the host takes the holder for dead */

#define HOST_SLOT		0		/* process slot 0 is the host itself */

/*
 * Descriptors of kernel objects are numbers that mean the same in every process, so a child can use what its
 * parent made without any inheriting. They lie above all file descriptors; see c/posix/descriptors.c.
 */
#define PIPE_FD			0x01000000	/* | index << 1 | 1 for the write end */
#define SOCKET_FD		0x02000000	/* | index */
#define FD_INDEX		0x00ffffff

#endif
