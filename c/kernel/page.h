/*
 * page.h: the owners of the linear memory's pages.
 *
 * The owner of a page is the one object that the page belongs to. So the kernel finds all pages of an object, also if a
 * process was ended while it took or freed them.
 */
#ifndef PAGE_H
#define PAGE_H

#include <stdint.h>
#include "param.h"

#define PAGE_OF_PROC(slot)		((uint16_t) ((slot) + 1))
#define PAGE_OF_SOCKET(index)	((uint16_t) (0x8000 + (index)))
#define PAGE_OF_SHM(index)		((uint16_t) (0xfe00 + (index)))	/* a System V shared memory segment */
#define PAGE_OF_KERNEL			((uint16_t) 0xffff)	/* tables */

void	   *page_alloc(int self, uint32_t bytes, uint16_t owner);
void	   *page_alloc_used(int self, uint32_t bytes, uint16_t owner, void *preferred, uint32_t *used);
void	   *page_alloc_zeroed(int self, uint32_t bytes, uint16_t owner);
void		page_free_all(int self, uint16_t owner);
int			page_count(uint16_t owner);
void		page_check_idle(void);

#endif
