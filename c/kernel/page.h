/*
 * page.h: who owns which page of the linear memory.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdint.h>

/* Owners beside process slots. */
#define PAGE_OF_KERNEL	0xffff	/* tables, rings */
#define PAGE_OF_SHM		0xfffe	/* System V shared memory */
#define PAGE_OF_PROC(slot)	((uint16_t) ((slot) + 1))

void	   *page_alloc(int self, uint32_t bytes, uint16_t owner);
void	   *page_alloc_used(int self, uint32_t bytes, uint16_t owner, uint32_t *used);
void	   *page_alloc_zeroed(int self, uint32_t bytes, uint16_t owner);
void		page_free(int self, void *address, uint32_t bytes);
void		page_free_all(int self, uint16_t owner);
int			page_count(uint16_t owner);

#endif
