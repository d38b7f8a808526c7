/*
 * page.c: hands out the linear memory by pages, growing it when none is free.
 *
 * Every page has an owner, so the pages of a process are found when it has ended. First fit from the lowest
 * address keeps the memory small: it can grow, but never shrinks.
 */
#include "page.h"
#include "assert.h"
#include "kernel.h"
#include "lock.h"
#include "param.h"
#include "proc.h"

extern uint8_t __heap_base;		/* the linker's: where the kernel's own variables end */

static uint16_t owners[NPAGE];	/* 0: free. PAGE_LOCK */
static uint32_t lowest_free;	/* no page below is free, though this one need not be either. PAGE_LOCK */
static uint32_t never_used;		/* pages from here on are as the host made them, zero. PAGE_LOCK */
static uint32_t counts[NPAGE];	/* pages by owner; more than there are while some are taken or freed. PAGE_LOCK */

/* The first page behind the kernel's own variables. */
static uint32_t
first_page(void)
{
	return ((uintptr_t) &__heap_base + PAGE_SIZE - 1) / PAGE_SIZE;
}

static int
grow_to(uint32_t pages)
{
	uint32_t	have = __builtin_wasm_memory_size(0);

	return pages <= have || __builtin_wasm_memory_grow(0, pages - have) != (size_t) -1;
}

/* How many pages from this one on are free, at most count. PAGE_LOCK */
static uint32_t
free_from(uint32_t first, uint32_t count)
{
	uint32_t	free = 0;

	if (first >= first_page())
		while (free < count && first + free < NPAGE - 1 && owners[first + free] == 0)
			free++;
	return free;
}

/*
 * At the preferred address if its pages are free. Says how many bytes from its beginning have been used before; the others are
 * zero.
 */
void *
page_alloc_used(int self, uint32_t bytes, uint16_t owner, void *preferred, uint32_t *used)
{
	uint32_t	count = bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
	uint32_t	first,
				next;
	void	   *result = NULL;

	*used = 0;
	acquire(PAGE_LOCK, self);
	if (lowest_free < first_page())
		lowest_free = first_page();
	first = (uintptr_t) preferred / PAGE_SIZE;
	if (free_from(first, count) < count)
		first = lowest_free;
	/* Not the very last page: the address behind an object would be 0, and C takes it to be above. */
	for (next = first; next < NPAGE - 1 && next - first < count; next++)
		if (owners[next] != 0)
			first = next + 1;
	if (count > 0 && next - first == count && grow_to(next))
	{
		counts[owner] += count;
		for (uint32_t page = first; page < next; page++)
			owners[page] = owner;
		if (first == lowest_free)
			lowest_free = next;
		if (first < never_used)
			*used = ((never_used < next ? never_used : next) - first) * PAGE_SIZE;
		if (never_used < next)
			never_used = next;
		result = (void *) (first * PAGE_SIZE);
	}
	release(PAGE_LOCK, self);
	return result;
}

void *
page_alloc(int self, uint32_t bytes, uint16_t owner)
{
	uint32_t	used;

	return page_alloc_used(self, bytes, owner, NULL, &used);
}

/* Does not touch pages that are zero already: memory that is never touched costs nothing. */
void *
page_alloc_zeroed(int self, uint32_t bytes, uint16_t owner)
{
	uint32_t	used;
	void	   *result = page_alloc_used(self, bytes, owner, NULL, &used);

	if (used > 0)
		__builtin_memset(result, 0, used);
	return result;
}

/* Frees all pages of this owner, also those that a process was about to take or free when it was ended. */
void
page_free_all(int self, uint16_t owner)
{
	uint32_t	pages = __builtin_wasm_memory_size(0);
	uint32_t	left;

	acquire(PAGE_LOCK, self);
	left = counts[owner];
	for (uint32_t page = first_page(); left > 0 && page < pages; page++)
		if (owners[page] == owner)
		{
			if (page < lowest_free)
				lowest_free = page;
			owners[page] = 0;
			left--;
		}
	counts[owner] = 0;
	release(PAGE_LOCK, self);
}

int
page_count(uint16_t owner)
{
	return (int) counts[owner];
}

void *
sys_page_alloc(int self, uint32_t bytes)
{
	struct proc *p = &procs[self];

	if (p->heap == p->heap_end || bytes != HEAP_STEP)
		return page_alloc(self, bytes, PAGE_OF_PROC(self));
	p->heap += HEAP_STEP;
	return p->heap - HEAP_STEP;
}

void
sys_page_free(int self, void *address, uint32_t bytes)
{
	uint32_t	first = (uintptr_t) address / PAGE_SIZE;
	uint32_t	count = bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);

	acquire(PAGE_LOCK, self);
	if (first < lowest_free)
		lowest_free = first;
	for (uint32_t page = first; page < first + count; page++)
	{
		Assert(owners[page] == PAGE_OF_PROC(self));
		owners[page] = 0;
	}
	counts[PAGE_OF_PROC(self)] -= count;
	release(PAGE_LOCK, self);
}

/* At boot only the kernel's own pages have an owner. */
void
page_check_idle(void)
{
	uint32_t	kernel = 0;

	for (uint32_t page = 0; page < NPAGE; page++)
	{
		Assert(owners[page] == 0 || owners[page] == PAGE_OF_KERNEL);
		Assert(owners[page] != 0 || page < first_page() || page >= lowest_free);
		Assert(owners[page] == 0 || page < never_used);
		kernel += owners[page] == PAGE_OF_KERNEL;
	}
	for (uint32_t owner = 0; owner < NPAGE; owner++)
		Assert(counts[owner] == (owner == PAGE_OF_KERNEL ? kernel : 0));
}
