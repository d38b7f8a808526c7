/*
 * version.c: of which glibc the locales are, by which PostgreSQL notices that a collation has become another one.
 */
#include "locale/version.h"

const char *gnu_get_libc_version(void);

const char *
gnu_get_libc_version(void)
{
	return glibc_version;
}
