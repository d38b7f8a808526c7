/*
 * collation.c: the weights of characters and strings in a collation.
 *
 * Strings are compared on one level after the other: first by their letters, then by accents, then by case, and at last by all that has
 * not counted so far. On each level a string is the sequence of the weights that its elements have there; many elements have none.
 * The ruleset of an element can change two things on a level. A run of elements with the rule "backward" counts in reverse order. For
 * an element with the rule "position", the number of elements without weights before it counts first.
 */
#include "locale/collation.h"
#include <stdlib.h>
#include <string.h>

static struct collation *collations;

static const uint8_t *
sized(const uint8_t *at, const void **content)
{
	uint32_t	size = *(const uint32_t *) at;

	*content = size == 0 ? NULL : at + sizeof(size);
	return at + sizeof(size) + size;
}

/* The slots of the basic collation, changed where this one differs. */
static bool
change_slots(struct collation *collation, const struct collation *basic, const uint32_t *changes, size_t count)
{
	size_t		pages = 1;
	uint16_t   *index = malloc(PAGE_COUNT * sizeof(*index));
	uint32_t   *slots;

	if (index == NULL)
		return false;
	memcpy(index, basic->index, PAGE_COUNT * sizeof(*index));
	for (size_t page = 0; page < PAGE_COUNT; page++)
		if (index[page] >= pages)
			pages = index[page] + 1;

	size_t		old = pages;

	for (size_t i = 0; i < count; i++)
		if (index[changes[2 * i] >> PAGE_BITS] == 0)
			index[changes[2 * i] >> PAGE_BITS] = pages++;
	slots = calloc(pages * SLOTS_OF_PAGE, sizeof(*slots));
	if (slots == NULL)
	{
		free(index);
		return false;
	}
	memcpy(slots, basic->pages, old * SLOTS_OF_PAGE * sizeof(*slots));
	for (size_t i = 0; i < count; i++)
	{
		uint32_t	code = changes[2 * i];

		slots[index[code >> PAGE_BITS] * SLOTS_OF_PAGE + code % SLOTS_OF_PAGE] = changes[2 * i + 1];
	}
	collation->index = index;
	collation->pages = slots;
	return true;
}

static bool
read_part(struct collation *collation, const uint8_t *part)
{
	const struct collation_part *start = (const struct collation_part *) part;
	const struct collation_kind *kind;
	const uint8_t *at = start->rules + start->ruleset_count * COLLATION_LEVELS;
	const void *sequences,
			   *weights,
			   *changes;

	collation->levels = start->levels;
	collation->shifts = start->shifts;
	collation->rules = start->rules;
	kind = (const struct collation_kind *) at;
	collation->undefined = kind->undefined;
	at = sized(sized(at + sizeof(*kind), &sequences), &weights);
	collation->sequences.table = sequences;
	if (!kind->differs)
	{
		collation->weights = weights;
		collation->index = (const uint16_t *) at;
		collation->pages = (uint32_t *) (at + PAGE_COUNT * sizeof(uint16_t));
		return true;
	}

	const struct collation *basic = collation_get(locale_number(locale_index(), 0));

	if (basic == NULL)
		return false;
	collation->weights = basic->weights;
	collation->basic_sequences = basic->sequences;
	collation->own_weights = weights;
	sized(at, &changes);
	return change_slots(collation, basic, changes, changes == NULL ? 0 : *(const uint32_t *) at / (2 * sizeof(uint32_t)));
}

struct collation *
collation_get(const struct locale_data *data)
{
	struct collation *collation;
	const uint8_t *part;

	for (collation = collations; collation != NULL; collation = collation->next)
		if (collation->at == data->collation.at)
			return collation;
	part = locale_part(data->collation);
	collation = part == NULL ? NULL : calloc(1, sizeof(*collation));
	if (collation == NULL)
		return NULL;
	collation->at = data->collation.at;
	if (!read_part(collation, part))
	{
		free(collation);
		return NULL;
	}
	collation->next = collations;
	return collations = collation;
}

/* ---- elements ---- */

static uint32_t
slot_of(const struct collation *collation, int code)
{
	return collation->pages[collation->index[code >> PAGE_BITS] * SLOTS_OF_PAGE + code % SLOTS_OF_PAGE];
}

/* The list of the sequences that begin with a character; NULL if there is none. */
static const uint32_t *
list_of(struct sequences sequences, uint32_t code)
{
	uint32_t	low = 0,
				high = sequences.table == NULL ? 0 : sequences.table[0];

	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;
		const uint32_t *entry = sequences.table + 1 + 2 * middle;

		if (entry[0] == code)
			return sequences.table + entry[1];
		if (entry[0] < code)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The slot of the longest sequence that begins with the character `code` and goes on at *rest, which moves behind it; 0: none. */
static uint32_t
sequence_at(const struct elements *elements, uint32_t code, const unsigned char **rest)
{
	const struct collation *collation = elements->collation;
	const uint32_t *list = list_of(collation->sequences, code);

	if (list == NULL)
		list = list_of(collation->basic_sequences, code);
	if (list == NULL)
		return 0;

	const uint32_t *entry = list + 1;

	for (uint32_t i = 0; i < list[0]; i++, entry += 2 + entry[1])
	{
		const unsigned char *at = *rest;
		uint32_t	matched = 0;

		while (matched < entry[1] && *at != '\0' &&
			   next_character(elements->codeset, &at) == (int) entry[2 + matched])
			matched++;
		if (matched == entry[1])
		{
			*rest = at;
			return entry[0];
		}
	}
	return 0;
}

static uint32_t
next_slot(const struct elements *elements, const unsigned char **rest)
{
	const unsigned char *start = *rest;
	int			code = next_character(elements->codeset, rest);
	uint32_t	slot = code < 0 ? 0 : slot_of(elements->collation, code);

	if (slot & SLOT_SEQUENCES)
	{
		uint32_t	sequence = sequence_at(elements, code, rest);

		return sequence != 0 ? sequence : slot;
	}
	if (slot != 0)
		return slot;
	/* Each of its bytes counts as one. */
	*rest = start + 1;
	return elements->collation->undefined;
}

void
elements_begin(struct elements *elements, struct locale *locale, const char *string)
{
	elements->collation = locale->collation;
	elements->codeset = locale->codeset;
	elements->rest = (const unsigned char *) string;
	elements->count = 0;
	elements->room = ELEMENTS_AT_HAND;
	elements->slots = elements->at_hand;
}

void
elements_end(struct elements *elements)
{
	if (elements->slots != elements->at_hand)
		free(elements->slots);
}

static void
make_room(struct elements *elements)
{
	size_t		room = 2 * elements->room;
	uint32_t   *slots = elements->slots == elements->at_hand ? NULL : elements->slots;

	slots = realloc(slots, room * sizeof(*slots));
	/* strcoll() has no way to fail, and a wrong answer would spoil an index. */
	if (slots == NULL)
		abort();
	if (elements->slots == elements->at_hand)
		memcpy(slots, elements->at_hand, sizeof(elements->at_hand));
	elements->slots = slots;
	elements->room = room;
}

/* Whether there is an element of this number. */
static bool
has_element(struct elements *elements, size_t number)
{
	while (elements->count <= number)
	{
		if (*elements->rest == '\0')
			return false;
		if (elements->count == elements->room)
			make_room(elements);
		elements->slots[elements->count] = next_slot(elements, &elements->rest);
		elements->count++;
	}
	return true;
}

/* ---- levels ---- */

void
level_begin(struct level *at, struct elements *elements, int level)
{
	*at = (struct level) {.elements = elements, .level = level};
}

static bool
counts_backward(const struct level *at, size_t number)
{
	uint32_t	slot = at->elements->slots[number];

	return at->elements->collation->rules[SLOT_RULESET(slot) * COLLATION_LEVELS + at->level] & RULE_BACKWARD;
}

/*
 * Finds the run of elements that count backward, which begins with the next element. Indexes depend on two things that glibc does:
 * - Before an element that counts forward, it leaves out the last but one of several.
 * - It takes the last element of the run, but all others from as far behind `looked` as they are behind the start of the run. So it
 *   takes other elements if some without weights, which count forward, are before the run.
 */
static uint32_t
begin_run(struct level *at)
{
	bool		more;
	uint32_t	slot;

	at->run_start = at->next;
	do
		at->next++;
	while ((more = has_element(at->elements, at->next)) && counts_backward(at, at->next));
	at->run_end = at->next;
	at->run_from = at->looked;
	at->looked = at->run_end + more;
	slot = at->elements->slots[--at->next];
	if (more && at->next > at->run_start)
		at->next--;
	return slot;
}

/* The next element in the order of this level. */
static bool
next_element(struct level *at, uint32_t *slot)
{
	if (at->next == at->run_start && at->run_end > at->run_start)
	{
		at->next = at->run_end; /* the whole run has been counted */
		at->run_start = at->run_end = 0;
	}
	if (at->run_end > 0)
		*slot = at->elements->slots[at->run_from + --at->next - at->run_start];
	else if (!has_element(at->elements, at->next))
		return false;
	else if (counts_backward(at, at->next))
		*slot = begin_run(at);
	else
		*slot = at->elements->slots[at->next++];
	return true;
}

bool
level_has_more(struct level *at)
{
	const struct collation *collation = at->elements->collation;

	at->position = 0;
	while (at->left == 0)
	{
		uint32_t	counts,
					place;

		if (!next_element(at, &at->slot))
			return false;
		place = at->slot & SLOT_WEIGHTS;
		counts = at->slot & SLOT_OWN ? collation->own_weights[place] : collation->weights[place];
		at->first = place + 1;
		for (int level = 0; level < at->level; level++, counts >>= 4)
			at->first += counts & 0xf;
		at->left = counts & 0xf;
		at->position++;
	}
	if (at->run_end == 0)
		at->looked = at->next;
	return true;
}

uint32_t
level_weight(struct level *at)
{
	const struct collation *collation = at->elements->collation;
	uint32_t	place = at->first++;

	at->left--;
	if (at->slot & SLOT_OWN)
		return collation->own_weights[place];
	return (uint32_t) collation->weights[place] << collation->shifts[at->level];
}
