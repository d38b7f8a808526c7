/*
 * shm.c: System V shared memory segments.
 *
 * All memory is shared already, so a segment is a range of pages that belongs to no process, at the same address for
 * all. The kernel only keeps the books that PostgreSQL relies on: which processes are attached (its interlock against
 * a second server on the same data), and when a removed segment can be freed.
 */
#include "shm.h"
#include <errno.h>
#include "assert.h"
#include "atomic.h"
#include "kernel.h"
#include "lock.h"
#include "page.h"
#include "proc.h"

#define BITS	64

struct segment
{
	int			id;				/* 0 when there is none; low byte is the index */
	int			holder;			/* slot + 1 of the process that gives it memory or takes that back, 0 none */
	int			key;			/* 0 when private */
	uint32_t	size;
	void	   *address;
	int			removed;		/* it is freed when the last process detaches */
	uint64_t   *attached;		/* a bit for each process slot */
};

static struct segment segments[NSHM];	/* SHM_LOCK */
static int	generation;					/* SHM_LOCK */
static int	nword;						/* of a segment's `attached` */

int
shm_boot(int processes)
{
	uint64_t   *bits;

	nword = (processes + BITS - 1) / BITS;
	bits = page_alloc(HOST_SLOT, NSHM * nword * sizeof(uint64_t), PAGE_OF_KERNEL);
	if (bits == NULL)
		return -ENOMEM;
	for (int i = 0; i < NSHM; i++)
		segments[i].attached = bits + i * nword;
	return 0;
}

static struct segment *
segment_of(int id)
{
	struct segment *s = &segments[id % NSHM];

	return id > 0 && s->id == id ? s : NULL;
}

static int
is_attached(const struct segment *s, int slot)
{
	return (s->attached[slot / BITS] >> (slot % BITS)) & 1;
}

/* How many processes are attached. */
static int
count_attached(const struct segment *s)
{
	int			count = 0;

	for (int i = 0; i < nword; i++)
		count += __builtin_popcountll(s->attached[i]);
	return count;
}

/* Tells one caller that has detached from a removed segment that it was the last. SHM_LOCK */
static int
take_if_unused(int self, struct segment *s)
{
	if (s->id == 0 || !s->removed || count_attached(s) > 0)
		return 0;
	s->holder = self + 1;
	s->id = 0;
	return 1;
}

static void
give_back(int self, struct segment *s)
{
	Assert(s->id == 0 && s->holder == self + 1);
	page_free_all(self, PAGE_OF_SHM(s - segments));
	store(&s->holder, 0);
}

/* ---- making one ---- */

/* Finds the segment of this key, or takes a place for a new one, which has no id yet. Returns its index. */
static int
find_or_reserve(int self, int key, int create)
{
	int			unused = -1;

	for (int i = 0; i < NSHM; i++)
	{
		struct segment *s = &segments[i];

		if (s->id == 0 && s->holder == 0)
			unused = unused < 0 ? i : unused;
		else if (key != 0 && s->key == key && !s->removed)
			return i;
	}
	if (!create)
		return -ENOENT;
	if (unused < 0)
		return -ENOSPC;
	segments[unused].key = key;
	segments[unused].removed = 0;
	segments[unused].holder = self + 1;
	return unused;
}

/* Gives memory to a segment that this process has reserved; without the lock, because setting it to zero may take long. */
static int
make(int self, struct segment *s, uint32_t size)
{
	Assert(page_count(PAGE_OF_SHM(s - segments)) == 0 && count_attached(s) == 0);
	s->address = page_alloc_zeroed(self, size, PAGE_OF_SHM(s - segments));
	s->size = size;
	acquire(SHM_LOCK, self);
	if (s->address != NULL)
		s->id = (++generation & 0x3fffff) * NSHM + (int) (s - segments);
	s->holder = 0;
	release(SHM_LOCK, self);
	return s->address != NULL ? s->id : -ENOMEM;
}

/* While another process makes the segment of this key, the segment exists for a caller that would make it, too. */
int
sys_shmget(int self, int key, uint32_t size, int create, int exclusive)
{
	struct segment *s;
	int			index,
				result;

	acquire(SHM_LOCK, self);
	index = find_or_reserve(self, key, create);
	s = &segments[index];
	if (index < 0)
		result = index;
	else if (s->id != 0)
		result = create && exclusive ? -EEXIST : size > s->size ? -EINVAL : s->id;
	else if (s->holder == self + 1)
		result = 0;
	else
		result = create ? -EEXIST : -ENOENT;
	release(SHM_LOCK, self);
	return result == 0 ? make(self, s, size) : result;
}

/* ---- using one ---- */

int
sys_shmat(int self, int id)
{
	struct segment *s;
	int			result = -EINVAL;

	acquire(SHM_LOCK, self);
	s = segment_of(id);
	if (s != NULL)
	{
		s->attached[self / BITS] |= 1ull << (self % BITS);
		result = (int) s->address;
	}
	release(SHM_LOCK, self);
	return result;
}

static void
detach(struct segment *s, int slot)
{
	s->attached[slot / BITS] &= ~(1ull << (slot % BITS));
}

int
sys_shmdt(int self, const void *address)
{
	struct segment *s = NULL;
	int			unused = 0;

	acquire(SHM_LOCK, self);
	for (int i = 0; i < NSHM && s == NULL; i++)
		if (is_attached(&segments[i], self) && segments[i].address == address)
			s = &segments[i];
	if (s != NULL)
	{
		detach(s, self);
		unused = take_if_unused(self, s);
	}
	release(SHM_LOCK, self);
	if (unused)
		give_back(self, s);
	return s != NULL ? 0 : -EINVAL;
}

/* Detaches a process that has ended, and finishes making or freeing a segment if it was ended there. */
void
shm_detach_all(int slot)
{
	for (int i = 0; i < NSHM; i++)
	{
		struct segment *s = &segments[i];
		int			unused;

		if (load(&s->id) == 0 && load(&s->holder) == 0)
			continue;			/* its holder has ended: no process has it or can take it */
		acquire(SHM_LOCK, HOST_SLOT);
		detach(s, slot);
		unused = s->holder == slot + 1 && s->id == 0;
		if (s->holder == slot + 1)
			s->holder = unused ? HOST_SLOT + 1 : 0;
		if (!unused)
			unused = take_if_unused(HOST_SLOT, s);
		release(SHM_LOCK, HOST_SLOT);
		if (unused)
			give_back(HOST_SLOT, s);
	}
}

int
sys_shm_remove(int self, int id)
{
	struct segment *s;
	int			unused = 0;

	acquire(SHM_LOCK, self);
	s = segment_of(id);
	if (s != NULL)
	{
		s->removed = 1;
		unused = take_if_unused(self, s);
	}
	release(SHM_LOCK, self);
	if (unused)
		give_back(self, s);
	return s != NULL ? 0 : -EINVAL;
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
		*attached = (uint32_t) count_attached(s);
		result = 0;
	}
	release(SHM_LOCK, self);
	return result;
}

/* There are no segments. */
void
shm_check_idle(void)
{
	for (int i = 0; i < NSHM; i++)
		Assert(segments[i].id == 0 && segments[i].holder == 0 && count_attached(&segments[i]) == 0);
}
