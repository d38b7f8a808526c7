/*
 * proc.h: the process table.
 */
#ifndef PROC_H
#define PROC_H

#include "kernel.h"
#include "param.h"

enum proc_state
{
	PROC_FREE,
	PROC_RESERVED,				/* its parent is giving it memory and arguments */
	PROC_EMBRYO,				/* it has memory and arguments; the host has not started it yet */
	PROC_RUNNING,
	PROC_ZOMBIE					/* it has exited; its parent has not collected its status yet */
};

struct proc
{
	volatile int state;			/* enum proc_state. It leaves PROC_FREE under PROC_LOCK only */
	volatile int event;			/* the wake word: a thread that wakes the process adds 1 and notifies */
	struct signals signals;
	int			pid;
	int			parent;			/* slot of the parent */
	int			parent_pid;		/* the parent's pid: if the slot has another one, the parent has ended */
	int			status;			/* wait status of a zombie */
	int			client;			/* the client socket that it was started for, or -1 */
	volatile double alarm;		/* when SIGALRM is due, by host_now(); 0: never */
	int			attendant;		/* see sys_spawn() */
	uint8_t    *image;			/* data, stack and arguments: image_size + stack_of(slot) bytes, and as many as the arguments have */
	uint32_t	image_used;		/* the image's bytes from here on are zero */
	uint8_t    *heap,			/* memory from here to heap_end is reserved for its heap, */
			   *heap_end;		/* and it gets that when it asks for heap */
	int			argc;
	char	  **argv;
	char		cwd[PATH_SIZE];
};

extern struct proc *procs;		/* an array of nproc; slot HOST_SLOT is the host */
extern int	nproc;
extern uint32_t image_size;		/* bytes of a process' data, with the data that is zero at first */

int			proc_boot(int count, uint32_t image, uint32_t depth, uint32_t frame);
int			proc_runs(int self);
void		proc_check_idle(void);

/* sleep.c */
int			proc_sleep(int self, int seen, double deadline, int moved);
int			proc_block(int self, int seen, int nonblock);
void		proc_wake(int slot);

/* signal.c */
uint32_t	signal_deliverable(struct proc *p);
void		signal_post(int slot, int signal);

/* The host's own wake word and work; host.c */
void		work_post(int bits);
void		work_post_all(void);

#endif
