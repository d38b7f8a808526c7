/*
 * pglite-comm-imports.h: the client's bytes, as imports of the module.
 *
 * recv() and send() on a backend's client socket call these two directly (posix/sockets.c). The host binds them when it
 * instantiates the module, so it need not generate code at run time to be called back, which some hosts forbid. A process
 * has one client. wasm/machine/import-handler.ts implements these functions.
 */
#ifndef PGLITE_COMM_IMPORTS_H
#define PGLITE_COMM_IMPORTS_H

#include <stddef.h>
#include <sys/types.h>

/* Returns how many bytes it has put into the buffer, 0 at the end of the stream, or a negated errno; -EAGAIN: no input yet. */
__attribute__((import_module("env"), import_name("pglite_js_read")))
extern ssize_t pglite_js_read(void *buffer, size_t max_length);

/* Returns how many bytes it has taken from the buffer, or a negated errno; -EAGAIN: no room yet. */
__attribute__((import_module("env"), import_name("pglite_js_write")))
extern ssize_t pglite_js_write(const void *buffer, size_t length);

#endif
