/*
 * shm.h: System V shared memory.
 */
#ifndef SHM_H
#define SHM_H

#include "kernel.h"

void		shm_detach_all(int slot);

#endif
