/*
 * characters.c: iswalpha(), towlower() and their like, and isalpha() and its like, which PostgreSQL calls for text in encodings other
 * than UTF-8.
 */
#include "locale/characters.h"
#include <ctype.h>
#include <wctype.h>
#include "locale/locale.h"

int			character_of_byte(locale_t where, int byte);
int			byte_of_character(locale_t where, int character);

static uint32_t
common_types(uint32_t character)
{
	uint32_t	pair;

	if (character >= type_end)
		return 0;
	pair = type_pages[type_index[character >> TYPE_PAGE_BITS]][character % (1 << TYPE_PAGE_BITS) / 2];
	return type_combinations[character % 2 ? pair >> 4 : pair & 0xf];
}

static uint32_t
counterpart(uint32_t character, const struct case_range *ranges, uint32_t count)
{
	uint32_t	low = 0;

	while (low < count)
	{
		uint32_t	middle = (low + count) / 2;
		const struct case_range *range = ranges + middle;

		if (character > range->last)
			low = middle + 1;
		else if (character < range->first)
			count = middle;
		else
			return (character - range->first) % range->step == 0 ? character + range->offset : character;
	}
	return character;
}

/* How a locale differs from others about this character; NULL if it does not. */
static const struct character_change *
change_of(locale_t where, uint32_t character)
{
	struct locale *locale = locale_of(where, LC_CTYPE);

	if (locale == NULL || locale->data == NULL || locale->data->characters.size == 0)
		return NULL;
	if (locale->changes == NULL)
	{
		locale->changes = locale_part(locale->data->characters);
		locale->change_count = locale->changes == NULL ? 0 : locale->data->characters.size / sizeof(*locale->changes);
	}
	for (size_t i = 0; i < locale->change_count; i++)
		if (locale->changes[i].code == character)
			return locale->changes + i;
	return NULL;
}

static int
has_type(uint32_t character, uint32_t type, locale_t where)
{
	const struct character_change *change;

	/* In the C locale there are no others. */
	if (character >= 0x80 && where->cat[LC_CTYPE] == NULL)
		return 0;
	change = change_of(where, character);
	return ((change != NULL ? change->types : common_types(character)) & type) != 0;
}

static uint32_t
lower(uint32_t character, locale_t where)
{
	const struct character_change *change = change_of(where, character);

	return change != NULL ? change->lower : counterpart(character, lower_ranges, lower_range_count);
}

static uint32_t
upper(uint32_t character, locale_t where)
{
	const struct character_change *change = change_of(where, character);

	return change != NULL ? change->upper : counterpart(character, upper_ranges, upper_range_count);
}

static int
byte_has_type(int byte, uint32_t type, locale_t where)
{
	int			character = character_of_byte(where, byte);

	return character >= 0 && has_type(character, type, where);
}

static int
byte_counterpart(int byte, uint32_t (*of) (uint32_t, locale_t), locale_t where)
{
	int			character = character_of_byte(where, byte);
	int			found = character < 0 ? -1 : byte_of_character(where, of(character, where));

	return found < 0 ? byte : found;
}

#define FUNCTIONS(type, TYPE) \
	int __isw##type##_l(wint_t c, locale_t where) { return has_type(c, TYPE_##TYPE, where); } \
	int isw##type##_l(wint_t c, locale_t where) { return has_type(c, TYPE_##TYPE, where); } \
	int (isw##type) (wint_t c) { return has_type(c, TYPE_##TYPE, CURRENT_LOCALE); } \
	int __is##type##_l(int c, locale_t where) { return byte_has_type(c, TYPE_##TYPE, where); } \
	int is##type##_l(int c, locale_t where) { return byte_has_type(c, TYPE_##TYPE, where); } \
	int (is##type) (int c) { return byte_has_type(c, TYPE_##TYPE, CURRENT_LOCALE); }

FUNCTIONS(alnum, ALNUM)
FUNCTIONS(alpha, ALPHA)
FUNCTIONS(blank, BLANK)
FUNCTIONS(cntrl, CNTRL)
FUNCTIONS(digit, DIGIT)
FUNCTIONS(graph, GRAPH)
FUNCTIONS(lower, LOWER)
FUNCTIONS(print, PRINT)
FUNCTIONS(punct, PUNCT)
FUNCTIONS(space, SPACE)
FUNCTIONS(upper, UPPER)
FUNCTIONS(xdigit, XDIGIT)

#define CASE_FUNCTIONS(name) \
	wint_t __tow##name##_l(wint_t c, locale_t where) { return name(c, where); } \
	wint_t tow##name##_l(wint_t c, locale_t where) { return name(c, where); } \
	wint_t tow##name(wint_t c) { return name(c, CURRENT_LOCALE); } \
	int __to##name##_l(int c, locale_t where) { return byte_counterpart(c, name, where); } \
	int to##name##_l(int c, locale_t where) { return byte_counterpart(c, name, where); } \
	int (to##name) (int c) { return byte_counterpart(c, name, CURRENT_LOCALE); }

CASE_FUNCTIONS(lower)
CASE_FUNCTIONS(upper)
