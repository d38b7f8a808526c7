/*
 * compare.c: strcoll() and strxfrm().
 */
#include <stdlib.h>
#include <string.h>
#include "locale/collation.h"

/* Reads the data that the locale needs to compare strings. Returns false if the locale compares strings by bytes. */
static bool
has_collation(struct locale *locale)
{
	if (locale == NULL || locale->data == NULL || locale->data->collation.size == 0)
		return false;
	if (locale->collation == NULL)
	{
		locale->codeset = codeset_get(locale->data);
		locale->collation = collation_get(locale->data);
	}
	/* The file could be read when the locale was opened. A wrong answer now would spoil an index. */
	if (locale->collation == NULL || (locale->data->codeset.size != 0 && locale->codeset == NULL))
		abort();
	return true;
}

static int
compare_levels(struct elements *left, struct elements *right, int number)
{
	bool		by_position = level_by_position(left->collation, number);
	struct level a,
				b;

	level_begin(&a, left, number);
	level_begin(&b, right, number);
	for (;;)
	{
		bool		more_a = level_has_more(&a);
		bool		more_b = level_has_more(&b);

		if (!more_a || !more_b)
			return more_a - more_b;
		if (by_position && a.position != b.position)
			return a.position > b.position ? 1 : -1;
		do
		{
			uint32_t	weight_a = level_weight(&a);
			uint32_t	weight_b = level_weight(&b);

			if (weight_a != weight_b)
				return weight_a > weight_b ? 1 : -1;
		} while (a.left > 0 && b.left > 0);
		if (by_position && a.left != b.left)
			return a.left > b.left ? 1 : -1;
	}
}

int
__strcoll_l(const char *left, const char *right, locale_t where)
{
	struct locale *locale = locale_of(where, LC_COLLATE);
	struct elements a,
				b;
	int			result = 0;

	if (!has_collation(locale))
		return strcmp(left, right);
	elements_begin(&a, locale, left);
	elements_begin(&b, locale, right);
	for (uint32_t level = 0; level < locale->collation->levels && result == 0; level++)
		result = compare_levels(&a, &b, level);
	elements_end(&a);
	elements_end(&b);
	return result;
}

int
strcoll(const char *left, const char *right)
{
	return __strcoll_l(left, right, CURRENT_LOCALE);
}

int
strcoll_l(const char *left, const char *right, locale_t where)
{
	return __strcoll_l(left, right, where);
}

/* ---- strxfrm ---- */

/* The output of strxfrm(): how many bytes it has, and how many of them fit into the caller's buffer. */
struct output
{
	char	   *to;
	size_t		room;
	size_t		length;
};

static void
put(struct output *output, unsigned char byte)
{
	if (output->length < output->room)
		output->to[output->length] = (char) byte;
	output->length++;
}

/* Writes a number as bytes that compare like the numbers, and none of which is 0 or LEVEL_END. */
#define LEVEL_END	1
#define FIRST_BYTE	2
#define DIGITS		(256 - FIRST_BYTE)

static void
put_number(struct output *output, uint32_t number)
{
	uint32_t	digits[5];
	int			count = 0;

	do
	{
		digits[count++] = number % DIGITS;
		number /= DIGITS;
	} while (count < 5);
	while (count > 0)
		put(output, FIRST_BYTE + digits[--count]);
}

static void
put_level(struct output *output, struct elements *elements, int number)
{
	bool		by_position = level_by_position(elements->collation, number);
	struct level at;

	level_begin(&at, elements, number);
	while (level_has_more(&at))
	{
		if (by_position)
			put_number(output, at.position);
		while (at.left > 0)
			put_number(output, level_weight(&at));
		if (by_position)
			put(output, LEVEL_END);
	}
}

size_t
__strxfrm_l(char *restrict to, const char *restrict from, size_t room, locale_t where)
{
	struct locale *locale = locale_of(where, LC_COLLATE);
	struct output output = {to, room, 0};
	struct elements elements;

	if (!has_collation(locale))
	{
		for (const char *at = from; *at != '\0'; at++)
			put(&output, (unsigned char) *at);
	}
	else
	{
		elements_begin(&elements, locale, from);
		for (uint32_t level = 0; level < locale->collation->levels; level++)
		{
			if (level > 0)
				put(&output, LEVEL_END);
			put_level(&output, &elements, level);
		}
		elements_end(&elements);
	}
	put(&output, '\0');
	return output.length - 1;
}

size_t
strxfrm(char *restrict to, const char *restrict from, size_t room)
{
	return __strxfrm_l(to, from, room, CURRENT_LOCALE);
}

size_t
strxfrm_l(char *restrict to, const char *restrict from, size_t room, locale_t where)
{
	return __strxfrm_l(to, from, room, where);
}
