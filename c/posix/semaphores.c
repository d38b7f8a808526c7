/*
 * semaphores.c: POSIX semaphores in shared memory.
 */
#include "process.h"
#include <semaphore.h>
#include "kernel/kernel.h"

int
sem_init(sem_t *semaphore, int shared, unsigned value)
{
	(void) shared;
	semaphore->__val[0] = (int) value;
	semaphore->__val[1] = 0;
	return 0;
}

int
sem_destroy(sem_t *semaphore)
{
	(void) semaphore;
	return 0;
}

int
sem_wait(sem_t *semaphore)
{
	return answer(sys_sem_wait(self, semaphore->__val));
}

int
sem_trywait(sem_t *semaphore)
{
	return answer(sys_sem_trywait(semaphore->__val));
}

int
sem_post(sem_t *semaphore)
{
	sys_sem_post(semaphore->__val);
	return 0;
}
