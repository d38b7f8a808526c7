/*
 * dlopen.c: loadable modules, all of which are linked in already.
 *
 * PostgreSQL names a module by its file, /some/where/plpgsql.so; what counts here is the name in the middle.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "static-modules.h"

static const char *error;

static int
compare_symbol(const void *name, const void *symbol)
{
	return strcmp(name, ((const struct static_symbol *) symbol)->name);
}

void *
dlopen(const char *file, int flags)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash != NULL ? slash + 1 : file;
	size_t		length = strcspn(name, ".");

	(void) flags;
	for (int i = 0; i < static_module_count; i++)
	{
		const struct static_module *module = &static_modules[i];

		if (strlen(module->name) == length && memcmp(module->name, name, length) == 0)
			return (void *) module;
	}
	error = "module is not linked into this server";
	return NULL;
}

void *
dlsym(void *restrict handle, const char *restrict name)
{
	const struct static_module *module = handle;
	const struct static_symbol *symbol;

	symbol = bsearch(name, module->symbols, (size_t) module->symbol_count, sizeof(*symbol), compare_symbol);
	if (symbol != NULL)
		return (void *) symbol->address;
	error = "symbol is not exported by the module";
	return NULL;
}

int
dlclose(void *handle)
{
	(void) handle;
	return 0;
}

char *
dlerror(void)
{
	const char *last = error;

	error = NULL;
	return (char *) last;
}
