/*
 * characters.h: the types of characters and their counterparts in the other case, as they are in glibc's C.UTF-8 and, with
 * few differences, in all of glibc's locales. wasm/build/character-types.ts writes the tables.
 */
#ifndef LOCALE_CHARACTERS_H
#define LOCALE_CHARACTERS_H

#include <stdint.h>

/* Bits, in the order of glibc's classes. */
#define TYPE_UPPER	0x001
#define TYPE_LOWER	0x002
#define TYPE_ALPHA	0x004
#define TYPE_DIGIT	0x008
#define TYPE_XDIGIT	0x010
#define TYPE_SPACE	0x020
#define TYPE_PRINT	0x040
#define TYPE_GRAPH	0x080
#define TYPE_BLANK	0x100
#define TYPE_CNTRL	0x200
#define TYPE_PUNCT	0x400
#define TYPE_ALNUM	0x800
#define TYPE_COUNT	12

#define TYPE_PAGE_BITS 7

/*
 * type_index has the page of each code point, type_pages the number of each character's combination of types, in four bits,
 * type_combinations the types of each combination.
 */
extern const uint16_t type_combinations[];
extern const uint8_t type_pages[][1 << (TYPE_PAGE_BITS - 1)];
extern const uint8_t type_index[];
extern const uint32_t type_end;	/* the first code point behind those that have types */

/*
 * Code points from `first` to `last` by `step`; adding `offset` gives their counterparts. The arrays of these are sorted by
 * code point.
 */
struct case_range
{
	uint32_t	first;
	uint32_t	last;
	int32_t		step;
	int32_t		offset;
};

extern const struct case_range lower_ranges[],
			upper_ranges[];
extern const uint32_t lower_range_count,
			upper_range_count;

#endif
