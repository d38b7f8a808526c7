/*
 * param.h: all limits of the kernel.
 *
 * The number of processes, pipes and sockets depends on the number of connections, so the host says it when it boots the
 * kernel; see kernel_boot().
 */
#ifndef PARAM_H
#define PARAM_H

#define PAGE_SIZE		65536	/* bytes of a WebAssembly page, the unit in which the kernel allocates memory */
#define HEAP_STEP		(2 * PAGE_SIZE)	/* the least that a process' malloc asks for at a time */
#define FIRST_HEAP		(2 * HEAP_STEP)	/* about what a process needs to begin */
#define CLIENT_HEAP		(6 * HEAP_STEP)	/* about what a process with a client needs to begin, and for its first queries */
#define NPAGE			65536	/* pages in the 4 GiB that 32 bits can address */
#define RING_SIZE		65536	/* bytes that a connection buffers in each direction; a power of two */
#define STACK_ROOM		(384 * 1024)	/* bytes of C stack beyond the depth that recursion may use; see posix/stack.h */
#define ATTENDANT_STACK	(160 * 1024)	/* bytes of C stack of a process that evaluates nothing of users; see kernel.h */
#define ATTENDANT_ROOM	(96 * 1024)	/* how many of these are beyond the depth that recursion may use */
#define STACK_GUARD		4096	/* bytes at the end of a stack that no process should reach; a kernel with assertions looks */
#define STACK_ALIGNMENT	16			/* compiled code expects the stack pointer to be a multiple of this */
#define PIPE_SIZE		4096	/* bytes that a pipe buffers; at least PIPE_BUF, so that writes of PIPE_BUF are atomic */
#define NSHM			256		/* System V shared memory segments at a time */
#define CONNECTIONS_EACH 2		/* sockets in the table per process: for its client, and for a connection that it makes */
#define BACKLOG			128		/* connections that wait in a listening socket's accept queue */
#define MAX_FIRST_ARGS	1024	/* arguments of the first process: a postmaster has two for each setting */
#define ARGS_SIZE		PAGE_SIZE	/* bytes that a process' argument strings and vector may have */
#define PATH_SIZE		1024	/* bytes for the path of a process' working directory; PostgreSQL's MAXPGPATH */
#define IN_PROCESS		"@in-process"	/* the unix socket for connections from the host's own program */
#define RESOLVER		"@resolver"	/* the unix socket at which the host resolves names; see c/posix/resolver.c */
#define INTERFACES		"@interfaces"	/* the unix socket at which the host tells its network addresses; see c/posix/interfaces.c */
#define PEER_SERVICE	"@peer"	/* the unix socket at which the host tells a connection's user; see c/posix/peer.c */
#define TLS_SERVICE		"@tls"	/* the unix socket at which the host does TLS; see c/postgres/tls.c */
#define LOCK_PATIENCE	50.0	/* ms after which one wait for a lock times out */
#define LOCK_LIMIT		20		/* after so many timeouts without a release the host takes the lock's holder for dead */

#define HOST_SLOT		0		/* process slot 0 is the host itself */

/*
 * The descriptor of a pipe end or socket is the same number in every process, so a child can use what its parent has made
 * without inheriting it. These numbers are above all file descriptors; see c/posix/descriptors.c.
 */
#define PIPE_FD			0x01000000	/* | index << 1 | 1 for the write end */
#define SOCKET_FD		0x02000000	/* | index */
#define FD_INDEX		0x00ffffff

#endif
