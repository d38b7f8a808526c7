/*
 * main.c: PostgreSQL's client programs, pg_dump, psql and others, as one program, client.wasm, with a loadable module for each. What they
 * share, libpq among it, is in the program. Its name on the command line says which of them it is.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

int
main(int argc, char *argv[])
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash != NULL ? slash + 1 : argv[0];
	void	   *program = dlopen(name, RTLD_NOW);
	int			(*run) (int argc, char *argv[]) = program != NULL ? (int (*) (int, char **)) dlsym(program, "__main_argc_argv") : NULL;

	if (run == NULL)
	{
		fprintf(stderr, "could not load program \"%s\": %s\n", name, dlerror());
		return 127;
	}
	return run(argc, argv);
}
