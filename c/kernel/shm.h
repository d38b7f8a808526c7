/*
 * shm.h: System V shared memory.
 */
#ifndef SHM_H
#define SHM_H

int			shm_boot(int processes);
void		shm_detach_all(int slot);
void		shm_check_idle(void);

#endif
