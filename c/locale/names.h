/*
 * names.h: see names.c.
 */
#ifndef LOCALE_NAMES_H
#define LOCALE_NAMES_H

/* The names of all locales, each with a line feed behind it, as "locale -a" tells them; to be freed. NULL: no memory. */
char	   *locale_names(void);

#endif
