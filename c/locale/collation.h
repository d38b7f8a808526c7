/*
 * collation.h: what characters weigh in a collation.
 */
#ifndef LOCALE_COLLATION_H
#define LOCALE_COLLATION_H

#include "locale/locale.h"

/* The characters that begin sequences: a table of their code points and where their lists are, and these (collation-part.ts). */
struct sequences
{
	const uint32_t *table;		/* NULL: there are none */
};

struct collation
{
	struct collation *next;
	uint32_t	at;				/* of its part in the file */
	uint32_t	levels;
	const uint8_t *shifts;
	const uint8_t *rules;		/* COLLATION_LEVELS for each ruleset */
	uint32_t	undefined;		/* a slot */
	const uint16_t *index;		/* the page of each range of code points */
	uint32_t   *pages;
	const uint16_t *weights;
	const uint32_t *own_weights;	/* what slots with SLOT_OWN lead to */
	struct sequences sequences;
	struct sequences basic_sequences;	/* for characters that are not in the others */
};

/*
 * A string as its elements: characters, and sequences of several that are sorted as one. They are found one after the other, and
 * kept, for each level looks at them.
 */
#define ELEMENTS_AT_HAND 128

struct elements
{
	const struct collation *collation;
	const struct codeset *codeset;
	const unsigned char *rest;	/* of the string, not looked at yet */
	size_t		count;
	size_t		room;
	uint32_t   *slots;			/* what each element weighs */
	uint32_t	at_hand[ELEMENTS_AT_HAND];
};

void		elements_begin(struct elements *elements, struct locale *locale, const char *string);
void		elements_end(struct elements *elements);

/* A string on one of the levels: the weights of its elements, in the order in which they count there. */
struct level
{
	struct elements *elements;
	int			level;
	size_t		next;			/* element */
	size_t		run_start;		/* of elements that count backward, where next is among them */
	size_t		run_end;
	uint32_t	slot;			/* of the element whose weights are the next */
	uint32_t	first;			/* of these, behind the element's first number */
	uint32_t	left;			/* how many of its weights are left */
	uint32_t	position;		/* how many elements it is behind the last one that had weights here */
};

void		level_begin(struct level *at, struct elements *elements, int level);

/* Goes to the next element with weights, unless some of this one's are left. Returns whether there are any. */
bool		level_has_more(struct level *at);
uint32_t	level_weight(struct level *at);

static inline bool
level_by_position(const struct collation *collation, int level)
{
	return collation->rules[level] & RULE_POSITION;
}

#endif
