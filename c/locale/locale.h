/*
 * locale.h: what the files of this folder share.
 *
 * The C library, musl, has one locale beside C: C.UTF-8, which knows the types of characters and compares strings by bytes.
 * The files of this folder add glibc's locales. They have the names that glibc accepts, and sort strings exactly as glibc does,
 * because the build makes them from glibc's own sources in Debian (wasm/build/locale-data.ts). The build links these files in
 * place of musl's files with the same functions.
 */
#ifndef LOCALE_LOCALE_H
#define LOCALE_LOCALE_H

#include <stdbool.h>
#include <stddef.h>
#include "locale_impl.h"		/* musl's */
#include "locale/file.h"

/* A locale. It begins with musl's structure, which a locale_t has for each category; the rest is this folder's. */
struct locale
{
	struct __locale_map map;	/* has the name by which the program asked for it */
	const struct locale_data *data; /* NULL: C.UTF-8 */
	struct collation *collation;	/* NULL: strings are compared by bytes, or it is not read yet */
	struct codeset *codeset;	/* NULL: UTF-8, or it is not read yet */
	const struct character_change *changes; /* NULL: there are none, or they are not read yet */
	size_t		change_count;
	char	   *texts[3];		/* those of LC_MONETARY, LC_NUMERIC and LC_TIME, as they are in the file; NULL: not read yet */
};

/* The locale of a category; NULL if that is one of musl's own: C, or C.UTF-8. */
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

/* Reads a part of the file into memory that is never freed; NULL if there is no such part, or it cannot be read. */
void	   *locale_part(struct part part);

struct collation *collation_get(const struct locale_data *data);
struct codeset *codeset_get(const struct locale_data *data);

/*
 * Returns the code point of the character at *at, and moves *at behind it. If there is no valid character, it returns -1
 * and moves *at by one byte.
 */
int			next_character(const struct codeset *codeset, const unsigned char **at);

#endif
