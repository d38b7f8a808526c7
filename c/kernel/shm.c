/*
 * shm.c: System V shared memory segments.
 *
 * All memory is shared already, so a segment is a range of pages that belongs to no process, at the same address for
 * everybody. What is left to do is the bookkeeping that PostgreSQL relies on: who is attached (its interlock against
 * a second server on the same data), and freeing a removed segment after its last user has gone.
 */
#include "shm.h"
#include <errno.h>
#include "lock.h"
#include "page.h"
#include "proc.h"

struct segment
{
	int			id;				/* 0 when free; low byte is the index */
	int			key;			/* 0 when private */
	uint32_t	size;
	void	   *address;
	int			attached;		/* how many processes are */
	int			removed;		/* goes away with the last of them */
};

static struct segment segments[NSHM];	/* SHM_LOCK */
static int	generation;					/* SHM_LOCK */

static struct segment *
segment_of(int id)
{
	struct segment *s = &segments[id % NSHM];

	return id > 0 && s->id == id ? s : NULL;
}

static void
free_if_unused(int self, struct segment *s)
{
	if (!s->removed || s->attached > 0)
		return;
	s->id = 0;
	page_free(self, s->address, s->size);
}

static int
segment_new(int self, int key, uint32_t size)
{
	for (int i = 0; i < NSHM; i++)
	{
		struct segment *s = &segments[i];

		if (s->id != 0)
			continue;
		s->address = page_alloc_zeroed(self, size, PAGE_OF_SHM);
		if (s->address == NULL)
			return -ENOMEM;
		s->key = key;
		s->size = size;
		s->attached = 0;
		s->removed = 0;
		s->id = (++generation & 0x3fffff) * NSHM + i;
		return s->id;
	}
	return -ENOSPC;
}

int
sys_shmget(int self, int key, uint32_t size, int create, int exclusive)
{
	int			result = create ? 0 : -ENOENT;

	acquire(SHM_LOCK, self);
	for (int i = 0; i < NSHM && key != 0; i++)
	{
		struct segment *s = &segments[i];

		if (s->id == 0 || s->removed || s->key != key)
			continue;
		result = create && exclusive ? -EEXIST : size > s->size ? -EINVAL : s->id;
		break;
	}
	if (result == 0)
		result = segment_new(self, key, size);
	release(SHM_LOCK, self);
	return result;
}

int
sys_shmat(int self, int id)
{
	int			index = id % NSHM;
	struct segment *s;
	int			result = -EINVAL;

	acquire(SHM_LOCK, self);
	s = segment_of(id);
	if (s != NULL)
	{
		uint64_t	bit = 1ull << (index % 64);

		if (!(procs[self].attached[index / 64] & bit))
			s->attached++;
		procs[self].attached[index / 64] |= bit;
		result = (int) s->address;
	}
	release(SHM_LOCK, self);
	return result;
}

static void
detach(int self, int slot, int index)
{
	procs[slot].attached[index / 64] &= ~(1ull << (index % 64));
	segments[index].attached--;
	free_if_unused(self, &segments[index]);
}

static int
is_attached(int slot, int index)
{
	return (procs[slot].attached[index / 64] >> (index % 64)) & 1;
}

int
sys_shmdt(int self, const void *address)
{
	int			result = -EINVAL;

	acquire(SHM_LOCK, self);
	for (int i = 0; i < NSHM && result != 0; i++)
		if (is_attached(self, i) && segments[i].address == address)
		{
			detach(self, self, i);
			result = 0;
		}
	release(SHM_LOCK, self);
	return result;
}

void
shm_detach_all(int slot)
{
	acquire(SHM_LOCK, HOST_SLOT);
	for (int i = 0; i < NSHM; i++)
		if (is_attached(slot, i))
			detach(HOST_SLOT, slot, i);
	release(SHM_LOCK, HOST_SLOT);
}

int
sys_shm_remove(int self, int id)
{
	struct segment *s;
	int			result = -EINVAL;

	acquire(SHM_LOCK, self);
	s = segment_of(id);
	if (s != NULL)
	{
		s->removed = 1;
		free_if_unused(self, s);
		result = 0;
	}
	release(SHM_LOCK, self);
	return result;
}

int
sys_shm_stat(int self, int id, uint32_t *size, uint32_t *attached)
{
	struct segment *s;
	int			result = -EINVAL;

	acquire(SHM_LOCK, self);
	s = segment_of(id);
	if (s != NULL)
	{
		*size = s->size;
		*attached = (uint32_t) s->attached;
		result = 0;
	}
	release(SHM_LOCK, self);
	return result;
}
