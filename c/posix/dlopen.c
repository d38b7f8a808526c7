/*
 * dlopen.c: loadable modules.
 *
 * Each is a WebAssembly module beside postgres.wasm, so that only the processes that use it have its data in memory. The
 * host has compiled them all; it links one with a process on request.
 *
 * PostgreSQL names a module by its file, /some/where/plpgsql.so; what counts here is the name in the middle.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "host-imports.h"

/* The strictest alignment that any C type has. */
#define DATA_ALIGNMENT	16

/* Of a module's file, with its NUL. */
#define NAME_SIZE	64

/* A module that this process has loaded. It stays: PostgreSQL never unloads one. */
struct module
{
	struct module *next;
	char		name[];			/* file name without ".so": "plpgsql" */
};

static struct module *loaded;
static const char *error;

/* Returns 0, or -1 with `error` set. */
static int
load(const char *name)
{
	int			size = host_module_size(name);
	void	   *memory;
	char		needed[NAME_SIZE];

	if (size < 0)
	{
		error = "module is not part of this server";
		return -1;
	}
	for (int i = 0; host_module_needed(name, i, needed, sizeof(needed)) == 0; i++)
		if (dlopen(needed, RTLD_NOW) == NULL)
			return -1;
	memory = aligned_alloc(DATA_ALIGNMENT, (size_t) size);
	if (memory == NULL)
	{
		error = "out of memory";
		return -1;
	}
	memset(memory, 0, (size_t) size);
	host_module_load(name, memory);
	return 0;
}

void *
dlopen(const char *file, int flags)
{
	const char *slash = strrchr(file, '/');
	const char *name = slash != NULL ? slash + 1 : file;
	size_t		length = strcspn(name, ".");
	struct module *module;

	(void) flags;
	for (module = loaded; module != NULL; module = module->next)
		if (strlen(module->name) == length && memcmp(module->name, name, length) == 0)
			return module;

	module = malloc(sizeof(*module) + length + 1);
	if (module == NULL)
	{
		error = "out of memory";
		return NULL;
	}
	memcpy(module->name, name, length);
	module->name[length] = '\0';
	if (load(module->name) < 0)
	{
		free(module);
		return NULL;
	}
	module->next = loaded;
	loaded = module;
	return module;
}

void *
dlsym(void *restrict handle, const char *restrict name)
{
	const struct module *module = handle;
	void	   *symbol = host_module_symbol(module->name, name);

	if (symbol == NULL)
		error = "symbol is not exported by the module";
	return symbol;
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
