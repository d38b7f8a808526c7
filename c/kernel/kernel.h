/*
 * kernel.h: the kernel's interface, declared once for the kernel and for its callers.
 *
 * The kernel is the little operating system under PostgreSQL: processes, signals, pipes, sockets, shared memory, all
 * in one linear memory that all processes share. It is a module of its own, kernel.wasm. Each thread has an instance of
 * it; the kernel's variables lie at fixed addresses of the shared memory, so all instances have the same variables.
 *
 * The prefix of a function says who calls whom:
 *
 *	sys_*		a process calls the kernel. `self` is the caller's slot in the process table; the result is >= 0, or a
 *				negated errno.
 *	kernel_*	the host (wasm/machine/kernel.ts) calls the kernel, on its own thread. The module exports it without the prefix.
 *	host_*		the kernel (host.h) or a process (host-imports.h) calls the host. It is imported without the prefix.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef BUILDING_KERNEL
#define KERNEL(name) __attribute__((export_name(#name)))
#else
#define KERNEL(name) __attribute__((import_module("kernel"), import_name(#name)))
#endif

/*
 * One process' signals, as bit masks in which signal n is bit n - 1. It is in shared memory so that the process can test
 * it without a call.
 */
struct signals
{
	volatile uint32_t pending;	/* posted and not yet handled; other processes set bits, the owner clears them */
	volatile uint32_t blocked;	/* held back by sigprocmask; only the owner writes this */
	volatile uint32_t ignored;	/* without effect: the kernel does not post these; only the owner writes this */
};

/* A socket address and how many of its bytes count. */
struct address
{
	uint32_t	length;
	struct sockaddr_storage storage;
};

/* ---- processes ---- */

/*
 * Start a child with these arguments; `client` is a connected socket that it gets, or -1. An attendant mostly waits, and evaluates nothing
 * that users can make complex: it gets little stack, and the host may let it share a thread. Returns the child's pid.
 */
KERNEL(sys_spawn) int sys_spawn(int self, char *const argv[], int client, int attendant);
/* Collect the status of an exited child (pid, or any with -1). Returns its pid, or 0 if none has exited yet and !block. */
KERNEL(sys_waitpid) int sys_waitpid(int self, int pid, int *status, int block);
KERNEL(sys_getpid) int sys_getpid(int self);
KERNEL(sys_getppid) int sys_getppid(int self);
/* The client socket that this process was started for, or -1. */
KERNEL(sys_client) int sys_client(int self);
/* PATH_SIZE bytes for the path of the process' working directory; children inherit it. */
KERNEL(sys_cwd) char *sys_cwd(int self);
/* The lowest address of the process' C stack, where it begins, and how many bytes of it recursion may use. */
KERNEL(sys_stack_limit) uintptr_t sys_stack_limit(int self);
KERNEL(sys_stack_base) uintptr_t sys_stack_base(int self);
KERNEL(sys_stack_depth) uint32_t sys_stack_depth(int self);
/* How many bytes recursion may use in processes that are no attendants. */
KERNEL(sys_stack_most) uint32_t sys_stack_most(void);
/* By how many bytes each function that checks the depth makes its frame larger; see posix/stack.h. */
KERNEL(sys_stack_frame) uint32_t sys_stack_frame(void);

/* ---- signals, timers, sleeping ---- */

KERNEL(sys_signals) struct signals *sys_signals(int self);
/* Post a signal. -ESRCH when no process in the table has that pid. Signal 0 only asks whether one has. */
KERNEL(sys_kill) int sys_kill(int self, int pid, int signal);
/* Sleep until a signal is pending that is not blocked (-EINTR), or until this many ms have passed (0); < 0: no limit. */
KERNEL(sys_sleep) int sys_sleep(int self, double ms);
/* Make the kernel post SIGALRM in this many ms; 0 cancels. Returns how many ms the previous alarm still had. */
KERNEL(sys_alarm) double sys_alarm(int self, double ms);

/* ---- memory ---- */

/* Contiguous pages with undefined contents, which the caller owns until it exits; NULL when none are left. */
KERNEL(sys_page_alloc) void *sys_page_alloc(int self, uint32_t bytes);
KERNEL(sys_page_free) void sys_page_free(int self, void *address, uint32_t bytes);

/* System V shared memory, as shmget(2), shmat(2), shmdt(2), shmctl(2). */
KERNEL(sys_shmget) int sys_shmget(int self, int key, uint32_t size, int create, int exclusive);
KERNEL(sys_shmat) int sys_shmat(int self, int id);
KERNEL(sys_shmdt) int sys_shmdt(int self, const void *address);
KERNEL(sys_shm_remove) int sys_shm_remove(int self, int id);
KERNEL(sys_shm_stat) int sys_shm_stat(int self, int id, uint32_t *size, uint32_t *attached);

/* A semaphore is two words: its value, and the slot of a process that sleeps on it. */
KERNEL(sys_sem_wait) int sys_sem_wait(int self, volatile int *semaphore);
KERNEL(sys_sem_trywait) int sys_sem_trywait(volatile int *semaphore);
KERNEL(sys_sem_post) void sys_sem_post(volatile int *semaphore);

/* ---- pipes, sockets, poll ---- */

/* A process reads from ends[0] and writes to ends[1]. */
KERNEL(sys_pipe) int sys_pipe(int self, int ends[2]);
KERNEL(sys_pipe_read) int sys_pipe_read(int self, int fd, void *buffer, uint32_t length);
KERNEL(sys_pipe_write) int sys_pipe_write(int self, int fd, const void *buffer, uint32_t length);

KERNEL(sys_socket) int sys_socket(int self);
/* Blocks until the host listens there, or answers why it cannot; so sys_listen() has nothing left to do. */
KERNEL(sys_bind) int sys_bind(int self, int fd, const void *address, uint32_t length);
KERNEL(sys_listen) int sys_listen(int self, int fd);
KERNEL(sys_accept) int sys_accept(int self, int fd);
/* Ask the host to connect there. If the socket does not block: -EINPROGRESS, and poll() says when there is an answer. */
KERNEL(sys_connect) int sys_connect(int self, int fd, const void *address, uint32_t length);
/* Returns the errno of a connect() that failed after it had returned, and clears it; 0 when there is none. */
KERNEL(sys_socket_error) int sys_socket_error(int fd);
/* -EAGAIN when there is no input yet; 0 at the end of the stream. */
KERNEL(sys_recv) int sys_recv(int self, int fd, void *buffer, uint32_t length);
KERNEL(sys_send) int sys_send(int self, int fd, const void *buffer, uint32_t length);
/* Send nothing more: the other side reads the end of the stream after what this process has sent. */
KERNEL(sys_shutdown) int sys_shutdown(int self, int fd);
/*
 * The system's own descriptor of a socket, if this process may write to it now, else -1. The write must not block. After
 * it, the process tells sys_direct_end() how many bytes it has written, and passes the rest to sys_send().
 */
KERNEL(sys_direct_begin) int sys_direct_begin(int fd);
KERNEL(sys_direct_end) void sys_direct_end(int fd, uint32_t sent);
KERNEL(sys_address) int sys_address(int self, int fd, int peer, struct address *address);
/* With `nonblock`, read, write and accept on this pipe end or socket do not block; without it they do. */
KERNEL(sys_nonblock) int sys_nonblock(int self, int fd, int nonblock);

KERNEL(sys_poll) int sys_poll(int self, struct pollfd *fds, uint32_t count, double ms);
/* Close a pipe end or socket. It has an effect only in the owner, the process that made the object or got it from its parent. */
KERNEL(sys_close) int sys_close(int self, int fd);

#ifdef BUILDING_KERNEL
/* ---- for the host ---- */

/* What the kernel asks the host to do: the bits of kernel_work(). */
#define WORK_SPAWN	0x01		/* kernel_next_embryo() has a process to start */
#define WORK_KILL	0x02		/* kernel_next_killed() has a process to end by force */
#define WORK_TIMER	0x04		/* a timer is due earlier than the last kernel_post_alarms() has returned */
#define WORK_SOCKET	0x08		/* kernel_next_socket() has a socket with events */

/* Events of a socket: the bits of kernel_socket_events(). */
#define SOCKET_OUTPUT	0x01	/* the process has written */
#define SOCKET_SPACE	0x02	/* the process has read, and there is room for input again */
#define SOCKET_CLOSED	0x04	/* the process has closed its end */
#define SOCKET_LISTEN	0x08	/* a process wants the host to listen at kernel_socket_address() */
#define SOCKET_CONNECT	0x10	/* a process wants the host to connect to kernel_socket_address() */
#define SOCKET_SHUTDOWN	0x20	/* the process will not write any more */

/*
 * To be called once, before anything else. There can be `nproc` processes at a time. Each has `image_size` bytes of data
 * and may recurse into `stack_depth` bytes of C stack, with frames that are `stack_frame` bytes larger where they check
 * the depth (posix/stack.h).
 */
KERNEL(boot) int kernel_boot(int nproc, uint32_t image_size, uint32_t stack_depth, uint32_t stack_frame);
/* Returns what the host has to do, in WORK_ bits, and clears them. If that is 0, the host sleeps on the word at kernel_word(). */
KERNEL(work) int kernel_work(void);
KERNEL(word) volatile int *kernel_word(void);
/* PAGE_SIZE bytes for arguments that the host passes by address. */
KERNEL(scratch) void *kernel_scratch(void);

/* Start the first process: `args` in the scratch page are `argc` NUL-terminated strings. Returns its slot. */
KERNEL(spawn) int kernel_spawn(int argc, int pid, int attendant);
KERNEL(next_embryo) int kernel_next_embryo(void);
KERNEL(next_killed) int kernel_next_killed(void);
KERNEL(attendant) int kernel_attendant(int slot);
KERNEL(image) uintptr_t kernel_image(int slot);
KERNEL(clear_image) void kernel_clear_image(int slot);
KERNEL(argc) int kernel_argc(int slot);
KERNEL(argv) uintptr_t kernel_argv(int slot);
KERNEL(argument) const char *kernel_argument(int slot, int index);
/* The process has ended with this wait status: free all that it held, tell its parent. None of its code may run any more. */
KERNEL(exited) void kernel_exited(int slot, int status);
KERNEL(pid) int kernel_pid(int slot);
/* enum proc_state; proc.h */
KERNEL(state) int kernel_state(int slot);
KERNEL(pages) int kernel_pages(int slot);
KERNEL(kill) int kernel_kill(int slot, int signal);
/* The word on which a process sleeps when it waits for anything but a lock of the kernel's. */
KERNEL(event) volatile int *kernel_event(int slot);
/* Whether there are signals that the process can handle now. */
KERNEL(signalled) int kernel_signalled(int slot);
/* Post SIGALRM to each process whose alarm is due at `now` (ms). Returns when to call again, or 0 if no alarm is set. */
KERNEL(post_alarms) double kernel_post_alarms(double now);

KERNEL(next_socket) int kernel_next_socket(void);
KERNEL(socket_events) int kernel_socket_events(int fd);
/*
 * From now on the thread of the socket's process does the host's part but for kernel_release(), and kernel_next_socket() passes over the
 * socket.
 */
KERNEL(move) void kernel_move(int fd);
/* The address to which a listening socket is bound, or to which a connecting one wants to connect. */
KERNEL(socket_address) struct address *kernel_socket_address(int fd);
/* Answer SOCKET_LISTEN: 0, or the errno of the failure. */
KERNEL(listening) void kernel_listening(int fd, int error);
/*
 * A client has connected to this listening socket: queue a connection with it, for a process to accept. The client's
 * address is in the scratch page as a struct address. Returns the connection's socket.
 */
KERNEL(queue_client) int kernel_queue_client(int listener);
/*
 * Answer SOCKET_CONNECT. `error` is 0, and the socket's own address is in the scratch page as a struct address; or it is
 * the errno of the failure, and then the host also lets go of the socket. Returns 0 if the connection works now; it does not
 * if there is no memory for it. SOCKET_CLOSED tells the host that the process does not wait for the answer any longer.
 */
KERNEL(connected) int kernel_connected(int fd, int error);
/* Contiguous room for input begins at kernel_input_at(). The host tells by kernel_input_add() how many bytes it has put there. */
KERNEL(input_at) uintptr_t kernel_input_at(int fd);
KERNEL(input_space) uint32_t kernel_input_space(int fd);
KERNEL(input_add) void kernel_input_add(int fd, uint32_t length);
/* No more input will come. With `reset` the client is gone, so output is dropped as well. */
KERNEL(input_end) void kernel_input_end(int fd, int reset);
KERNEL(output_at) uintptr_t kernel_output_at(int fd);
KERNEL(output_size) uint32_t kernel_output_size(int fd);
KERNEL(output_take) void kernel_output_take(int fd, uint32_t length);
KERNEL(lend) void kernel_lend(int fd, int descriptor);
KERNEL(flushed) void kernel_flushed(int fd);
KERNEL(sending) int kernel_sending(int fd);
/* Bytes that all connections together have received, or sent, since kernel_boot(). */
KERNEL(received) double kernel_received(void);
KERNEL(sent) double kernel_sent(void);
/* The host lets go of the socket; the kernel frees it once the process has let go of it too. */
KERNEL(release) void kernel_release(int fd);
#ifdef USE_ASSERT_CHECKING
/* Fails unless the kernel is as it was after kernel_boot(): no process runs, no lock is held, all memory is free. */
KERNEL(check_idle) void kernel_check_idle(void);
#endif
#endif

#endif
