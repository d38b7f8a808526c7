/* foreign-library.c: how client programs load foreign libraries, such as libz; see postgres/foreign-library.h. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "postgres/foreign-library.h"

void *
foreign_function(const char *library, const char *name)
{
	void	   *handle = dlopen(library, RTLD_NOW);
	void	   *function = handle != NULL ? dlsym(handle, name) : NULL;

	if (function == NULL)
	{
		fprintf(stderr, "could not load library \"%s\": %s\n", library, dlerror());
		exit(1);
	}
	return function;
}
