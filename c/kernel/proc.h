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
	PROC_RESERVED,				/* its parent is about to give it memory and arguments */
	PROC_EMBRYO,				/* has them; the host has yet to start it */
	PROC_RUNNING,
	PROC_ZOMBIE					/* has exited; the parent has yet to collect it */
};

struct proc
{
	volatile int state;			/* enum proc_state. PROC_LOCK to leave PROC_FREE */
	volatile int event;			/* the wake word: whoever wakes the process adds 1 and notifies */
	struct signals signals;
	int			pid;
	int			parent;			/* slot of the parent */
	int			parent_pid;		/* tells whether that slot still is the parent */
	int			status;			/* wait status, once a zombie */
	int			client;			/* the client socket it was started for, or -1 */
	volatile double alarm;		/* when SIGALRM is due, by host_now(); 0 when it is not */
	uint8_t    *image;			/* data, then stack, then arguments; image_size + stack_size + ARGS_SIZE */
	uint32_t	image_used;		/* bytes of that, from its beginning, that may not be zero */
	uint8_t    *heap,			/* what it will be given when it asks for heap, until */
			   *heap_end;		/* here */
	int			argc;
	char	  **argv;
	char		cwd[PATH_SIZE];
};

extern struct proc *procs;		/* nproc of them; slot HOST_SLOT is the host */
extern int	nproc;
extern uint32_t stack_size;		/* bytes of its C stack */
extern uint32_t image_size;		/* bytes of a process' data, zero data included */

int			proc_boot(int count, uint32_t image, uint32_t depth, uint32_t frame);
int			proc_runs(int self);
void		proc_check_idle(void);

/* sleep.c */
int			proc_sleep(int self, int seen, double deadline);
int			proc_block(int self, int seen, int nonblock);
void		proc_wake(int slot);

/* signal.c */
uint32_t	signal_deliverable(struct proc *p);
void		signal_post(int slot, int signal);

/* The host's own wake word and work; host.c */
void		work_post(int bits);
void		work_post_all(void);

#endif
