/*
 * file.h: the file with the locales' data, share/locales.bin, which wasm/build/locale-data.ts writes.
 *
 * The file begins with an index, which a process reads when it first needs a locale other than C. Behind the index there are
 * parts, of which a process reads those that it needs. Numbers are little-endian, and each part is aligned to 4 bytes.
 */
#ifndef LOCALE_FILE_H
#define LOCALE_FILE_H

#include <stdint.h>

#define LOCALES_FILE	"locales.bin"	/* in share/ */
#define LOCALES_MAGIC	0x31434f4c	/* "LOC1" */

/* Where a part of the file begins, and its length. If size is 0, there is no such part. */
struct part
{
	uint32_t	at;
	uint32_t	size;
};

/* The index begins with this header. Names follow, sorted by their texts, then locales, then texts. */
struct header
{
	uint32_t	magic;
	uint32_t	size;			/* bytes of the whole index */
	uint32_t	name_count;
	uint32_t	locale_count;
};

struct name
{
	uint32_t	text;			/* where it begins among the texts; each of these ends with a NUL */
	uint32_t	locale;			/* the number of the locale that has this name */
};

/* A locale. */
struct locale_data
{
	uint32_t	codeset_name;	/* where its name begins among the texts: "ISO-8859-15" */
	struct part codeset;		/* no such part: UTF-8 */
	struct part characters;		/* no such part: characters are as in C.UTF-8 */
	struct part collation;		/* no such part: strings are compared by bytes */
	struct part monetary;		/* texts, then numbers of one byte, in the order of struct lconv (conventions.c) */
	struct part numeric;		/* the same */
	struct part time;			/* texts, in the order of nl_langinfo()'s items */
};

/*
 * A codeset: `single` has the code point of each character of one byte, or 0 where the byte is no character. `count` is the
 * number of characters of several bytes. `codes` has their codes in ascending order, then the code point of each.
 */
struct codeset_part
{
	uint16_t	single[256];
	uint32_t	count;
	uint32_t	codes[];
};

/* A character with other types or other counterparts than in C.UTF-8. The arrays of these are sorted by code point. */
struct character_change
{
	uint32_t	code;
	uint32_t	types;			/* bits, see characters.h */
	uint32_t	lower;
	uint32_t	upper;
};

/*
 * A collation begins with this structure. Behind it there are the sequences of several characters that have weights of their
 * own, then weights, then a slot for each character. Each of these three begins with its size in bytes; but the slots of a
 * whole collation consist of an index of pages (uint16_t) and the pages. Page 0 is the one without characters.
 *
 * A slot says what a character weighs: where the character's weights begin, and by which ruleset they are compared. It is 0 if
 * the collation says nothing about the character. A character's weights begin with a number: its hexadecimal digits, the last
 * one first, say how many weights there are on each level. In a whole collation a weight has 16 bits and stands for one that is
 * shifted to the left; in a collation that only says how it differs from the basic one, a weight has 32 bits.
 */
#define COLLATION_LEVELS	4

struct collation_part
{
	uint32_t	levels;
	uint32_t	ruleset_count;
	uint8_t		shifts[COLLATION_LEVELS];
	uint8_t		rules[];		/* COLLATION_LEVELS for each ruleset; then, aligned, struct collation_kind */
};

/* Bits of a rule. */
#define RULE_FORWARD	1
#define RULE_BACKWARD	2
#define RULE_POSITION	4

/* What follows the rules. */
struct collation_kind
{
	uint32_t	differs;		/* it only says how it differs from the collation of locale number 0 */
	uint32_t	undefined;		/* the slot of a byte that is no character, or of a character that weighs nothing by itself */
};

#define SLOT_WEIGHTS	0x007fffff
#define SLOT_OWN		0x00800000	/* the weights have 32 bits */
#define SLOT_RULESET_SHIFT	24
#define SLOT_RULESET(slot) ((slot) >> SLOT_RULESET_SHIFT & 0x7f)
#define SLOT_SEQUENCES	0x80000000	/* the character begins sequences */

#define PAGE_BITS		6			/* how many bits of a code point say where in its page it is */
#define SLOTS_OF_PAGE	(1 << PAGE_BITS)
#define PAGE_COUNT		(0x110000 >> PAGE_BITS)

#endif
