/*
 * memory.c: malloc, and the little of mmap that is needed.
 *
 * Each process has a heap of its own, made of pages that the kernel hands out and takes back when the process ends.
 * The allocator is the C library's usual one (dlmalloc), told to get its memory from there.
 */
#include "process.h"
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "kernel/kernel.h"
#include "kernel/param.h"

static void *
pages(size_t size)
{
	void	   *result = sys_page_alloc(self, size);

	return result != NULL ? result : MAP_FAILED;
}

static int
free_pages(void *address, size_t size)
{
	sys_page_free(self, address, size);
	return 0;
}

#define MMAP(size)			pages(size)
#define DIRECT_MMAP(size)	pages(size)
#define MUNMAP(address, size) free_pages((address), (size))
#define HAVE_MORECORE		0
#define HAVE_MMAP			1
#define HAVE_MREMAP			0
#define MMAP_CLEARS			0
#define DEFAULT_GRANULARITY	HEAP_STEP
#define DEFAULT_MMAP_THRESHOLD (1024 * 1024)
#define DEFAULT_TRIM_THRESHOLD (2 * 1024 * 1024)
#define USE_LOCKS			0
#define NO_MALLINFO			1
#define NO_MALLOC_STATS		1
#define LACKS_SYS_MMAN_H	1
#define malloc_getpagesize	PAGE_SIZE
#define MALLOC_FAILURE_ACTION errno = ENOMEM;
#undef __EMSCRIPTEN__			/* or it would want sbrk() */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include "dlmalloc.c"			/* the toolchain's */
#pragma clang diagnostic pop

/* dlmalloc.c names its functions dlmalloc and so on, because the compiler makes assumptions about functions named malloc. */
void *
malloc(size_t size)
{
	return dlmalloc(size);
}

void
free(void *address)
{
	dlfree(address);
}

void *
calloc(size_t count, size_t size)
{
	return dlcalloc(count, size);
}

void *
realloc(void *address, size_t size)
{
	return dlrealloc(address, size);
}

void *
memalign(size_t alignment, size_t size)
{
	return dlmemalign(alignment, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return dlmemalign(alignment, size);
}

int
posix_memalign(void **result, size_t alignment, size_t size)
{
	return dlposix_memalign(result, alignment, size);
}

size_t
malloc_usable_size(void *address)
{
	return dlmalloc_usable_size(address);
}

/* Names under which the C library itself calls them. */
void *
__libc_malloc(size_t size)
{
	return dlmalloc(size);
}

void
__libc_free(void *address)
{
	dlfree(address);
}

void *
__libc_calloc(size_t count, size_t size)
{
	return dlcalloc(count, size);
}

void *
emscripten_builtin_malloc(size_t size)
{
	return dlmalloc(size);
}

/* ---- mmap ---- */

/* Fresh zeroed memory, or a copy of a file: nothing written to it reaches the file. */
void *
mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	void	   *result;

	(void) address;
	if (!(flags & MAP_ANONYMOUS) && (flags & MAP_SHARED) && (protection & PROT_WRITE))
	{
		errno = ENODEV;
		return MAP_FAILED;
	}
	result = sys_page_alloc(self, size);
	if (result == NULL)
	{
		errno = ENOMEM;
		return MAP_FAILED;
	}
	memset(result, 0, size);
	if (!(flags & MAP_ANONYMOUS) && pread(fd, result, size, offset) < 0)
	{
		free_pages(result, size);
		return MAP_FAILED;
	}
	return result;
}

int
munmap(void *address, size_t size)
{
	return free_pages(address, size);
}

int
msync(void *address, size_t size, int flags)
{
	(void) address;
	(void) size;
	(void) flags;
	return 0;
}
