/*
 * pglite-comm-imports.h: the client's bytes, as imports of the module.
 *
 * recv() and send() on a backend's client socket are these two and nothing in between (posix/sockets.c). They are
 * bound when the module is instantiated, so no code need be generated at run time to call back into JavaScript, which
 * some embedders forbid. A process has one client. The TypeScript side is wasm/machine/import-handler.ts.
 */
#ifndef PGLITE_COMM_IMPORTS_H
#define PGLITE_COMM_IMPORTS_H

#include <stddef.h>
#include <sys/types.h>

/* Returns > 0 bytes put into the buffer, 0 at the end of the stream, or a negated errno; -EAGAIN: nothing there yet. */
__attribute__((import_module("env"), import_name("pglite_js_read")))
extern ssize_t pglite_js_read(void *buffer, size_t max_length);

/* Returns > 0 bytes taken from the buffer, or a negated errno; -EAGAIN: no room yet. */
__attribute__((import_module("env"), import_name("pglite_js_write")))
extern ssize_t pglite_js_write(const void *buffer, size_t length);

#endif
