/*
 * foreign-library.h: libraries of others that the server calls, and that are modules of their own (libz, libxml2, …).
 *
 * A start must not pay for what few sessions use. So the server is not linked with such a library, but with a function of the
 * same name and type for each one that it calls, which the build writes (wasm/build/lazy-libraries.ts). Called the first
 * time, it loads the library.
 */
#ifndef POSTGRES_FOREIGN_LIBRARY_H
#define POSTGRES_FOREIGN_LIBRARY_H

/* The address of a library's function; reports an error to the session if the library cannot be loaded. */
extern void *foreign_function(const char *library, const char *name);

#endif
