/*
 * foreign-library.h: libraries that are not PostgreSQL's, and that are modules of their own (libz, libxml2, …).
 *
 * Few sessions use them, so the start of a server must not take longer for them. For each function of a library that the server
 * calls, the build writes a function of the same name and type (wasm/build/lazy-libraries.ts) and links the server with that.
 * The function loads the library when the server first calls it.
 */
#ifndef POSTGRES_FOREIGN_LIBRARY_H
#define POSTGRES_FOREIGN_LIBRARY_H

/* Returns the address of a library's function; reports an error to the session if it cannot load the library. */
extern void *foreign_function(const char *library, const char *name);

#endif
