/*
 * file.h: the file with the locales' data, share/locales.bin, which wasm/build/locale-data.ts writes.
 *
 * It begins with an index, which a process reads when it is first asked for a locale other than C. Of the parts behind that it
 * reads those that it makes use of. Numbers are little-endian, and each part is aligned to 4 bytes.
 */
#ifndef LOCALE_FILE_H
#define LOCALE_FILE_H

#include <stdint.h>

#define LOCALES_FILE	"locales.bin"	/* in share/ */
#define LOCALES_MAGIC	0x31434f4c	/* "LOC1" */

/* Where in the file something is. Nothing is there if size is 0. */
struct part
{
	uint32_t	at;
	uint32_t	size;
};

/* The index: the header, then names in the order of their texts, locales, texts. */
struct header
{
	uint32_t	magic;
	uint32_t	size;			/* of all of the index, in bytes */
	uint32_t	name_count;
	uint32_t	locale_count;
};

struct name
{
	uint32_t	text;			/* where it begins among the texts, which end with a NUL each */
	uint32_t	locale;			/* its number */
};

/* What a name stands for. */
struct locale_data
{
	uint32_t	codeset_name;	/* among the texts: "ISO-8859-15" */
	struct part codeset;		/* none: UTF-8 */
	struct part characters;		/* none: as in C.UTF-8 */
	struct part collation;		/* none: by bytes */
	struct part monetary;		/* texts, then numbers of one byte, in the order of struct lconv (conventions.c) */
	struct part numeric;		/* texts, also */
	struct part time;			/* texts, in the order of nl_langinfo()'s items */
};

/*
 * A codeset: the code point of each character of one byte, 0 if there is none; then the number of those of several bytes, their codes
 * in ascending order, the code point of each.
 */
struct codeset_part
{
	uint16_t	single[256];
	uint32_t	count;
	uint32_t	codes[];
};

/* Characters that are of other types, or have other counterparts, than in C.UTF-8, by code point. */
struct character_change
{
	uint32_t	code;
	uint32_t	types;			/* bits, see characters.h */
	uint32_t	lower;
	uint32_t	upper;
};

/*
 * A collation: this; then the sequences of several characters that have weights of their own, weights, and for each character
 * a slot. Each of these begins with its size in bytes, but for the slots of a collation that is whole: they are an index of
 * pages (uint16_t), and those, of which number 0 has no characters.
 *
 * A slot says what a character weighs: where in the weights its own begin, and by which ruleset it is compared; 0 if nothing is said.
 * Weights begin with a number whose hexadecimal digits, the last one first, say how many there are on each level. Those of a whole
 * collation have 16 bits, and count as shifted to the left; the others, of one that only says how it differs from the basic one, have 32.
 */
#define COLLATION_LEVELS	4

struct collation_part
{
	uint32_t	levels;
	uint32_t	ruleset_count;
	uint8_t		shifts[COLLATION_LEVELS];
	uint8_t		rules[];		/* COLLATION_LEVELS for each ruleset; then, aligned, the rest */
};

/* Bits of a rule. */
#define RULE_FORWARD	1
#define RULE_BACKWARD	2
#define RULE_POSITION	4

/* Behind the rules. */
struct collation_kind
{
	uint32_t	differs;		/* from the collation of locale number 0 */
	uint32_t	undefined;		/* slot of a byte that is no character, or one that weighs nothing by itself */
};

#define SLOT_WEIGHTS	0x007fffff
#define SLOT_OWN		0x00800000	/* the weights are of 32 bits */
#define SLOT_RULESET(slot) ((slot) >> 24 & 0x7f)
#define SLOT_SEQUENCES	0x80000000	/* the character begins sequences */

#define PAGE_BITS		6			/* of a code point, within its page */
#define SLOTS_OF_PAGE	(1 << PAGE_BITS)
#define PAGE_COUNT		(0x110000 >> PAGE_BITS)

#endif
