/*
 * version.c: the version of glibc whose locales these are. PostgreSQL compares it to notice that a collation has changed.
 */
#include "locale/version.h"

const char *gnu_get_libc_version(void);

const char *
gnu_get_libc_version(void)
{
	return glibc_version;
}
