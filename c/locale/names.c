/*
 * names.c: locales by their names, spelt as glibc takes them: language_TERRITORY.codeset@modifier, where the codeset's name may
 * be spelt in many ways: "de_DE.UTF-8" and "de_DE.utf8" are one.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "locale/locale.h"
#include "locale/names.h"

#define C_UTF8		"C.utf8"

static const char *const variables[LC_ALL] = {
	[LC_CTYPE] = "LC_CTYPE",[LC_NUMERIC] = "LC_NUMERIC",[LC_TIME] = "LC_TIME",
	[LC_COLLATE] = "LC_COLLATE",[LC_MONETARY] = "LC_MONETARY",[LC_MESSAGES] = "LC_MESSAGES",
};

/* The C library's lock about locales. musl defines it in the file that this one replaces. */
volatile int __locale_lock[1];
volatile int *const __locale_lockptr = __locale_lock;

static struct locale *locales;	/* those that the program has opened, linked by map.next */

static const char *
from_environment(int category)
{
	const char *const wanted[] = {"LC_ALL", variables[category], "LANG"};

	for (int i = 0; i < 3; i++)
	{
		const char *value = getenv(wanted[i]);

		if (value != NULL && *value != '\0')
			return value;
	}
	return "C";
}

/* As glibc, takes only the letters, in lower case, and the digits of a codeset's name; before a mere number it puts "iso". */
static bool
normalize(const char *name, char *result, size_t size)
{
	const char *codeset = strchr(name, '.');
	const char *modifier = strchrnul(name, '@');
	char	   *to = result;
	bool		number = true;

	if (strlen(name) + sizeof("iso") > size)
		return false;
	if (codeset == NULL || codeset > modifier)
	{
		strcpy(result, name);
		return true;
	}
	memcpy(to, name, codeset - name);
	to += codeset - name;
	*to++ = '.';
	for (const char *from = codeset; from < modifier; from++)
		if (isalpha((unsigned char) *from))
			number = false;
	if (number)
		to = stpcpy(to, "iso");
	for (const char *from = codeset; from < modifier; from++)
		if (isalnum((unsigned char) *from))
			*to++ = tolower((unsigned char) *from);
	strcpy(to, modifier);
	return true;
}

static int
compare(const void *key, const void *name)
{
	return strcmp(key, locale_text(locale_index(), ((const struct name *) name)->text));
}

/* Opens a locale. NULL if there is none, and errno says why. */
static const struct locale_data *
find(const char *name)
{
	const struct header *index = locale_index();
	char		spelling[2 * LOCALE_NAME_MAX];
	const struct name *found;

	if (index == NULL)
		return NULL;
	found = normalize(name, spelling, sizeof(spelling)) ?
		bsearch(spelling, index + 1, index->name_count, sizeof(struct name), compare) : NULL;
	if (found == NULL)
	{
		errno = ENOENT;
		return NULL;
	}
	return locale_number(index, found->locale);
}

/* The C library calls this for every name that it is given. NULL stands for C. */
const struct __locale_map *
__get_locale(int category, const char *name)
{
	char		spelling[2 * LOCALE_NAME_MAX];
	const struct locale_data *data = NULL;
	struct locale *locale;

	if (*name == '\0')
		name = from_environment(category);
	if (strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0)
		return NULL;
	for (locale = locales; locale != NULL; locale = (struct locale *) locale->map.next)
		if (strcmp(name, locale->map.name) == 0)
			return &locale->map;
	if (strcmp(name, __c_dot_utf8.name) == 0)
		return &__c_dot_utf8;
	if (strlen(name) > LOCALE_NAME_MAX)
	{
		errno = ENOENT;
		return LOC_MAP_FAILED;
	}
	if (!(normalize(name, spelling, sizeof(spelling)) && strcmp(spelling, C_UTF8) == 0))
	{
		data = find(name);
		if (data == NULL)
			return LOC_MAP_FAILED;
	}
	locale = calloc(1, sizeof(*locale));
	if (locale == NULL)
		return LOC_MAP_FAILED;
	strcpy(locale->map.name, name);
	locale->data = data;
	locale->map.next = locales == NULL ? NULL : &locales->map;
	locales = locale;
	return &locale->map;
}

char *
locale_names(void)
{
	const struct header *index = locale_index();
	static const char builtin[] = "C\n" C_UTF8 "\nPOSIX\n";
	size_t		size = sizeof(builtin);
	char	   *result,
			   *to;

	if (index == NULL)
		return strdup(builtin);

	const struct name *names = (const struct name *) (index + 1);

	for (uint32_t i = 0; i < index->name_count; i++)
		size += strlen(locale_text(index, names[i].text)) + 1;
	result = malloc(size);
	if (result == NULL)
		return NULL;
	to = stpcpy(result, builtin);
	for (uint32_t i = 0; i < index->name_count; i++)
		to = stpcpy(stpcpy(to, locale_text(index, names[i].text)), "\n");
	return result;
}
