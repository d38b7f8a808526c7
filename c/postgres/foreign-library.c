/* foreign-library.c: how the server loads foreign libraries; see foreign-library.h. */
#include "postgres.h"

#include <dlfcn.h>
#include <unistd.h>

#include "icu/data-file.h"
#include "postgres/foreign-library.h"

/*
 * libxml2 frees memory through this variable, which no code changes. The server frees libxml2's memory by this copy of it.
 */
void		(*xmlFree) (void *) = free;

/* A host may leave out ICU's data. ICU's own errors would not say so. */
static void
require_icu_data(void)
{
	const char *folder = getenv(ICU_DATA_FOLDER);
	char	   *file = psprintf("%s/%s", folder != NULL ? folder : "", ICU_DATA_FILE);

	if (access(file, R_OK) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this server does not have the data of ICU collations"),
				 errdetail("There is no file \"%s\".", file),
				 errhint("In a Worker, import \"pglite-imports-server/workers/icu\" and give it to createPostgres() as part of the module.")));
	pfree(file);
}

void *
foreign_function(const char *library, const char *name)
{
	if (strcmp(library, "libicu") == 0)
		require_icu_data();

	void	   *handle = dlopen(library, RTLD_NOW);
	void	   *function = handle != NULL ? dlsym(handle, name) : NULL;

	if (function == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not load library \"%s\": %s", library, dlerror())));
	return function;
}
