/*
 * collation.h: the weights of characters in a collation, by which strings are compared.
 */
#ifndef LOCALE_COLLATION_H
#define LOCALE_COLLATION_H

#include "locale/locale.h"

/* A table of the characters that begin sequences, with the place of each one's list, and these lists (collation-part.ts). */
struct sequences
{
	const uint32_t *table;		/* NULL: there are none */
};

struct collation
{
	struct collation *next;
	uint32_t	at;				/* where its part begins in the file */
	uint32_t	levels;
	const uint8_t *shifts;
	const uint8_t *rules;		/* COLLATION_LEVELS for each ruleset */
	uint32_t	undefined;		/* a slot; see struct collation_kind */
	const uint16_t *index;		/* the page of each range of code points */
	uint32_t   *pages;
	const uint16_t *weights;
	const uint32_t *own_weights;	/* the weights of slots with SLOT_OWN */
	struct sequences sequences;
	struct sequences basic_sequences;	/* for characters that are not in `sequences` */
};

/*
 * A string as its elements: characters, and sequences of several characters that are sorted as one. The code finds them one
 * after the other when it compares the first level, and keeps them for the other levels.
 */
#define ELEMENTS_AT_HAND 128

struct elements
{
	const struct collation *collation;
	const struct codeset *codeset;
	const unsigned char *rest;	/* the rest of the string, whose elements are not known yet */
	size_t		count;
	size_t		room;
	uint32_t   *slots;			/* the slot of each element, which says what it weighs */
	uint32_t	at_hand[ELEMENTS_AT_HAND];
};

void		elements_begin(struct elements *elements, struct locale *locale, const char *string);
void		elements_end(struct elements *elements);

/* A string on one of the levels: the weights of its elements, in the order in which they count there. */
struct level
{
	struct elements *elements;
	int			level;
	size_t		next;			/* index of the next element */
	size_t		run_start;		/* if `next` is in a run of elements that count backward, where that begins, */
	size_t		run_end;		/* and where it ends */
	size_t		run_from;		/* where glibc takes the elements of the run from; see begin_run() */
	size_t		looked;			/* how far it had looked when it last found weights, or a run */
	uint32_t	slot;			/* the slot of the element whose weights come next */
	uint32_t	first;			/* the index of the next of them, among the collation's weights */
	uint32_t	left;			/* how many of its weights are left */
	uint32_t	position;		/* how far it is behind the last element that had weights on this level */
};

void		level_begin(struct level *at, struct elements *elements, int level);

/* Goes to the next element with weights, unless the current one has some left. Returns whether any weights are left. */
bool		level_has_more(struct level *at);
uint32_t	level_weight(struct level *at);

static inline bool
level_by_position(const struct collation *collation, int level)
{
	return collation->rules[level] & RULE_POSITION;
}

#endif
