/* foreign-library.c: the part of it that is the same for all; see foreign-library.h. */
#include "postgres.h"

#include <dlfcn.h>

#include "postgres/foreign-library.h"

/*
 * Code of a library frees by way of this variable, which is its own to set; nobody does, so here is one more of the same value
 * for what the server frees.
 */
void		(*xmlFree) (void *) = free;

void *
foreign_function(const char *library, const char *name)
{
	void	   *handle = dlopen(library, RTLD_NOW);
	void	   *function = handle != NULL ? dlsym(handle, name) : NULL;

	if (function == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not load library \"%s\": %s", library, dlerror())));
	return function;
}
