/*
 * page.c: hands out the linear memory by pages, growing it when none is free.
 *
 * Every page has an owner, so that whatever a process had is found when it is gone. First fit from the lowest
 * address keeps the memory small: it can grow, but never shrinks.
 */
#include "page.h"
#include "kernel.h"
#include "lock.h"
#include "param.h"
#include "proc.h"

extern uint8_t __heap_base;		/* the linker's: where the kernel's own variables end */

static uint16_t owners[NPAGE];	/* 0: free. PAGE_LOCK */
static uint32_t lowest_free;	/* no page below is free. PAGE_LOCK */
static uint32_t never_used;		/* pages from here on are as the host made them, zero. PAGE_LOCK */
static uint32_t counts[NPAGE];	/* pages by owner. PAGE_LOCK */

static int
grow_to(uint32_t pages)
{
	uint32_t	have = __builtin_wasm_memory_size(0);

	return pages <= have || __builtin_wasm_memory_grow(0, pages - have) != (size_t) -1;
}

/* Says how many bytes from its beginning have been used before; the others are zero. */
void *
page_alloc_used(int self, uint32_t bytes, uint16_t owner, uint32_t *used)
{
	uint32_t	count = bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
	uint32_t	kernel_end = ((uintptr_t) &__heap_base + PAGE_SIZE - 1) / PAGE_SIZE;
	uint32_t	first,
				next;
	void	   *result = NULL;

	*used = 0;
	acquire(PAGE_LOCK, self);
	if (lowest_free < kernel_end)
		lowest_free = kernel_end;
	first = lowest_free;
	/* Not the very last page: the address behind an object would be 0, and C takes it to be above. */
	for (next = first; next < NPAGE - 1 && next - first < count; next++)
		if (owners[next] != 0)
			first = next + 1;
	if (count > 0 && next - first == count && grow_to(next))
	{
		for (uint32_t page = first; page < next; page++)
			owners[page] = owner;
		counts[owner] += count;
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

	return page_alloc_used(self, bytes, owner, &used);
}

/* Leaves alone what is zero already, for memory that is never touched costs nothing. */
void *
page_alloc_zeroed(int self, uint32_t bytes, uint16_t owner)
{
	uint32_t	used;
	void	   *result = page_alloc_used(self, bytes, owner, &used);

	if (used > 0)
		__builtin_memset(result, 0, used);
	return result;
}

void
page_free(int self, void *address, uint32_t bytes)
{
	uint32_t	first = (uintptr_t) address / PAGE_SIZE;
	uint32_t	count = bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);

	acquire(PAGE_LOCK, self);
	for (uint32_t page = first; page < first + count; page++)
	{
		counts[owners[page]]--;
		owners[page] = 0;
	}
	if (first < lowest_free)
		lowest_free = first;
	release(PAGE_LOCK, self);
}

void
page_free_all(int self, uint16_t owner)
{
	uint32_t	pages = __builtin_wasm_memory_size(0);

	acquire(PAGE_LOCK, self);
	for (uint32_t page = 0; page < pages; page++)
		if (owners[page] == owner)
		{
			owners[page] = 0;
			if (page < lowest_free)
				lowest_free = page;
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
	page_free(self, address, bytes);
}
