/*
 * locale.h: what the files of this folder share.
 *
 * The C library, musl, knows one locale beside C: C.UTF-8, whose characters have types and whose strings are compared by bytes. Here are
 * those of glibc, made of glibc's own sources of them as Debian has them (wasm/build/locale-data.ts), by the names that glibc
 * takes, and with exactly its order of strings. These files are in the place of the C library's of the same functions.
 */
#ifndef LOCALE_LOCALE_H
#define LOCALE_LOCALE_H

#include <stdbool.h>
#include <stddef.h>
#include "locale_impl.h"		/* musl's */
#include "locale/file.h"

/* A locale as the C library keeps it, in a locale_t for each category, and what belongs to it here. */
struct locale
{
	struct __locale_map map;	/* with the name by which it was asked for */
	const struct locale_data *data; /* NULL: C.UTF-8 */
	struct collation *collation;	/* NULL: by bytes, or not yet read */
	struct codeset *codeset;	/* NULL: UTF-8, or not yet read */
	const struct character_change *changes; /* NULL: none, or not yet read */
	size_t		change_count;
	char	   *texts[3];		/* of LC_MONETARY, LC_NUMERIC, LC_TIME: as the file has them, once they have been read */
};

/* That of a category; NULL where it is the C library's own: C, or C.UTF-8. */
static inline struct locale *
locale_of(locale_t locale, int category)
{
	const struct __locale_map *map = locale->cat[category];

	return map == NULL || map == &__c_dot_utf8 ? NULL : (struct locale *) map;
}

/* The index of the file; NULL if it cannot be read, and errno says why. */
const struct header *locale_index(void);
const char *locale_text(const struct header *index, uint32_t text);
const struct locale_data *locale_number(const struct header *index, uint32_t number);

/* A part of the file, in memory that stays; NULL if it cannot be read, or there is none. */
void	   *locale_part(struct part part);

struct collation *collation_get(const struct locale_data *data);
struct codeset *codeset_get(const struct locale_data *data);

/* The code point of the character at *at, of which it moves behind; -1, and it moves by one byte, where there is none. */
int			next_character(const struct codeset *codeset, const unsigned char **at);

#endif
