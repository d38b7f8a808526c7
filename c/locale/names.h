/*
 * names.h: see names.c.
 */
#ifndef LOCALE_NAMES_H
#define LOCALE_NAMES_H

/* The names of all locales, each with a line feed behind it, as "locale -a" prints them. The caller frees them. NULL: no memory. */
char	   *locale_names(void);

#endif
