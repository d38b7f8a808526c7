/* foreign-library.c: how initdb loads foreign libraries. It has no session to report errors to; see postgres/foreign-library.h. */
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
		fprintf(stderr, "initdb: error: could not load library \"%s\": %s\n", library, dlerror());
		exit(1);
	}
	return function;
}
