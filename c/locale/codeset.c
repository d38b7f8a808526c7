/*
 * codeset.c: characters as bytes: UTF-8, and the other codesets of glibc's locales that a server can have as its encoding.
 */
#include <errno.h>
#include <stdlib.h>
#include <wchar.h>
#include "locale/locale.h"

struct codeset
{
	struct codeset *next;
	const struct codeset_part *part;
};

static struct codeset *codesets;

struct codeset *
codeset_get(const struct locale_data *data)
{
	const struct codeset_part *part = locale_part(data->codeset);
	struct codeset *codeset;

	if (part == NULL)
		return NULL;
	for (codeset = codesets; codeset != NULL; codeset = codeset->next)
		if (codeset->part == part)
			return codeset;
	codeset = malloc(sizeof(*codeset));
	if (codeset == NULL)
		return NULL;
	*codeset = (struct codeset) {codesets, part};
	return codesets = codeset;
}

static int
next_in_utf8(const unsigned char **at)
{
	const unsigned char *s = *at;
	int			lead = s[0];
	int			length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
	int			code = length == 1 ? lead : lead & (0x7f >> length);

	for (int i = 1; i < length; i++)
	{
		if ((s[i] & 0xc0) != 0x80)
			length = 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (length == 0 || (length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10ffff)))
	{
		*at = s + 1;
		return -1;
	}
	*at = s + length;
	return code;
}

/* A code of several bytes is their number, the first one highest. */
static int
code_point_of(const struct codeset_part *part, uint32_t code)
{
	uint32_t	low = 0,
				high = part->count;

	while (low < high)
	{
		uint32_t	middle = (low + high) / 2;

		if (part->codes[middle] == code)
			return (int) part->codes[part->count + middle];
		if (part->codes[middle] < code)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

int
next_character(const struct codeset *codeset, const unsigned char **at)
{
	const unsigned char *s = *at;
	uint32_t	code = s[0];

	if (codeset == NULL)
		return next_in_utf8(at);
	*at = s + 1;
	if (code == 0 || codeset->part->single[code] != 0)
		return codeset->part->single[code];
	for (int length = 2; length <= 4 && s[length - 1] != '\0' && codeset->part->count > 0; length++)
	{
		int			found;

		code = code << 8 | s[length - 1];
		found = code_point_of(codeset->part, code);
		if (found >= 0)
		{
			*at = s + length;
			return found;
		}
	}
	return -1;
}

/* The bytes of a character; 0 if the codeset does not have it. */
static int
bytes_of(const struct codeset_part *part, uint32_t character, unsigned char bytes[4])
{
	uint32_t	code = 0;
	int			length = 0;

	for (int byte = 0; byte < 256; byte++)
		if (part->single[byte] == character && (byte == 0) == (character == 0))
		{
			bytes[0] = byte;
			return 1;
		}
	for (uint32_t i = 0; i < part->count; i++)
		if (part->codes[part->count + i] == character)
			code = part->codes[i];
	for (int shift = 24; shift >= 0; shift -= 8)
		if (code >> shift != 0)
			bytes[length++] = code >> shift;
	return length;
}

/* The codeset of a locale; NULL for UTF-8. */
static struct codeset *
codeset_of(locale_t where)
{
	struct locale *locale = locale_of(where, LC_CTYPE);

	if (locale == NULL || locale->data == NULL || locale->data->codeset.size == 0)
		return NULL;
	if (locale->codeset == NULL)
		locale->codeset = codeset_get(locale->data);
	return locale->codeset;
}

size_t
mbstowcs(wchar_t *restrict to, const char *from, size_t room)
{
	const struct codeset *codeset = codeset_of(CURRENT_LOCALE);
	const unsigned char *at = (const unsigned char *) from;

	if (codeset == NULL)
		return mbsrtowcs(to, &from, room, NULL);
	for (size_t i = 0; to == NULL || i < room; i++)
	{
		int			character = *at == '\0' ? 0 : next_character(codeset, &at);

		if (character < 0)
		{
			errno = EILSEQ;
			return (size_t) -1;
		}
		if (to != NULL)
			to[i] = character;
		if (character == 0)
			return i;
	}
	return room;
}

size_t
wcstombs(char *restrict to, const wchar_t *from, size_t room)
{
	const struct codeset *codeset = codeset_of(CURRENT_LOCALE);
	size_t		length = 0;

	if (codeset == NULL)
		return wcsrtombs(to, &from, room, NULL);
	for (; *from != 0; from++)
	{
		unsigned char bytes[4];
		int			count = bytes_of(codeset->part, *from, bytes);

		if (count == 0)
		{
			errno = EILSEQ;
			return (size_t) -1;
		}
		if (to != NULL && length + count > room)
			return length;
		for (int i = 0; to != NULL && i < count; i++)
			to[length + i] = (char) bytes[i];
		length += count;
	}
	if (to != NULL && length < room)
		to[length] = '\0';
	return length;
}

/* The character that a byte stands for in a locale; -1 if the byte is only a part of a character. */
int
character_of_byte(locale_t where, int byte)
{
	const struct codeset *codeset;

	if (byte < 0x80 || byte > 0xff)
		return byte;
	codeset = codeset_of(where);
	return codeset == NULL || codeset->part->single[byte] == 0 ? -1 : codeset->part->single[byte];
}

/* The byte that stands for a character; -1 if the codeset has none. */
int
byte_of_character(locale_t where, int character)
{
	const struct codeset *codeset;
	unsigned char bytes[4];

	if (character < 0x80)
		return character;
	codeset = codeset_of(where);
	return codeset != NULL && bytes_of(codeset->part, character, bytes) == 1 ? bytes[0] : -1;
}
