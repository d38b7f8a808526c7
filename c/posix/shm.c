/*
 * shm.c: System V shared memory, in which PostgreSQL keeps its main and its dynamic segments.
 */
#include "process.h"
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include "kernel/kernel.h"

int
shmget(key_t key, size_t size, int flags)
{
	return answer(sys_shmget(self, key, size, (flags & IPC_CREAT) != 0, (flags & IPC_EXCL) != 0));
}

void *
shmat(int id, const void *address, int flags)
{
	int			result = sys_shmat(self, id);

	(void) address;
	(void) flags;
	/* Addresses above 2 GiB look negative; errors are the few last numbers. */
	return (unsigned) result > -4096u ? (void *) (intptr_t) answer(result) : (void *) (intptr_t) result;
}

int
shmdt(const void *address)
{
	return answer(sys_shmdt(self, address));
}

int
shmctl(int id, int command, struct shmid_ds *status)
{
	uint32_t	size,
				attached;
	int			result;

	if (command == IPC_RMID)
		return answer(sys_shm_remove(self, id));
	result = sys_shm_stat(self, id, &size, &attached);
	if (result == 0 && command == IPC_STAT)
	{
		memset(status, 0, sizeof(*status));
		status->shm_segsz = size;
		status->shm_nattch = attached;
	}
	return answer(result);
}

/* POSIX shared memory would need files mapped for writing; System V's is there instead. */
int
shm_open(const char *name, int flags, mode_t mode)
{
	(void) name;
	(void) flags;
	(void) mode;
	errno = ENOSYS;
	return -1;
}

int
shm_unlink(const char *name)
{
	(void) name;
	errno = ENOSYS;
	return -1;
}
