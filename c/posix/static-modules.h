/*
 * static-modules.h
 *
 * PostgreSQL's loadable modules are linked into postgres.wasm, because nothing can be compiled at run time. This table
 * says what each of them exports; dlopen() and dlsym() answer from it.
 *
 * The build generates the table from the objects themselves (wasm/build/static-modules.ts). Every other symbol of a
 * module is local to it, as in a shared library, and so modules may use the same names.
 */
#ifndef POSIX_STATIC_MODULES_H
#define POSIX_STATIC_MODULES_H

/* A function that a module exports. */
struct static_symbol
{
	const char *name;			/* as dlsym() is asked for it: "_PG_init" */
	void		(*address) (void);	/* of whatever type; the caller knows */
};

/* A module. Its symbols are sorted by name as strcmp() does. */
struct static_module
{
	const char *name;			/* file name without ".so": "plpgsql" */
	const struct static_symbol *symbols;
	int			symbol_count;
};

/* All modules, sorted by name as strcmp() does. */
extern const struct static_module static_modules[];
extern const int static_module_count;

#endif							/* POSIX_STATIC_MODULES_H */
