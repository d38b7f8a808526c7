/*
 * host-imports.h: everything that a process needs from the host beside its client's bytes (pglite-comm-imports.h) and
 * the kernel (kernel/kernel.h). Answered by wasm/machine/host/.
 *
 * Paths are absolute, NUL-terminated UTF-8. A handle is the host's number for an open file. Positions and sizes are
 * doubles: integers up to 2^53 that JavaScript takes as they are. Results are >= 0 or a negated errno of the C library.
 */
#ifndef HOST_IMPORTS_H
#define HOST_IMPORTS_H

#include <stddef.h>
#include <stdint.h>

#define HOST_IMPORT(name) __attribute__((import_module("host"), import_name(#name)))

/* ---- files: wasm/machine/host/files.ts ---- */

/* `flags` are O_ bits with the C library's values. */
HOST_IMPORT(open) int host_open(const char *path, int flags, int mode);
HOST_IMPORT(close) int host_close(int handle);
/* At `position`, or where the host's own position is with -1. Returns bytes read, 0 at the end of the file. */
HOST_IMPORT(read) int host_read(int handle, void *buffer, size_t length, double position);
/* At `position`, or at the end of a file opened with O_APPEND and onto a stream with -1. Returns bytes written. */
HOST_IMPORT(write) int host_write(int handle, const void *buffer, size_t length, double position);
/* Returns once the file's data, and unless `data_only` all its metadata, are on stable storage. */
HOST_IMPORT(sync) int host_sync(int handle, int data_only);
HOST_IMPORT(truncate) int host_truncate(int handle, double size);

/* What a file is; times in milliseconds since 1970. All doubles, so that the host can write them in one go. */
struct host_stat
{
	double		mode;			/* type and permissions, Linux's bits */
	double		size;			/* bytes */
	double		device;
	double		inode;
	double		links;
	double		blocks;			/* of 512 bytes */
	double		accessed;
	double		modified;
	double		changed;
};

HOST_IMPORT(stat) int host_stat(const char *path, int follow, struct host_stat *result);
HOST_IMPORT(fstat) int host_fstat(int handle, struct host_stat *result);
/*
 * A directory's entries without . and .., each a byte for its type (DT_REG, DT_DIR, DT_LNK, or DT_UNKNOWN for
 * anything else) and a NUL-terminated name.
 * Returns how many bytes there are in all, and has written nothing if that is more than `size`.
 */
HOST_IMPORT(list) int host_list(const char *path, char *buffer, size_t size);
HOST_IMPORT(mkdir) int host_mkdir(const char *path, int mode);
HOST_IMPORT(rmdir) int host_rmdir(const char *path);
HOST_IMPORT(unlink) int host_unlink(const char *path);
HOST_IMPORT(rename) int host_rename(const char *from, const char *to);
/* Copies a whole file. Both share their blocks where the file system allows it. -EEXIST if there is a `to`. */
HOST_IMPORT(copy) int host_copy(const char *from, const char *to);
HOST_IMPORT(link) int host_link(const char *from, const char *to);
HOST_IMPORT(symlink) int host_symlink(const char *target, const char *path);
/* Returns the length of the target; what fits is written, without a NUL. */
HOST_IMPORT(readlink) int host_readlink(const char *path, char *buffer, size_t size);
HOST_IMPORT(chmod) int host_chmod(const char *path, int mode);
/* Numbers as outside; -1 leaves what there is. */
HOST_IMPORT(chown) int host_chown(const char *path, int owner, int group);
/* Times in milliseconds since 1970. */
HOST_IMPORT(utimes) int host_utimes(const char *path, double accessed, double modified);

/* ---- terminals: wasm/machine/host/files.ts ---- */

/* Whether it is one: 1 or 0. */
HOST_IMPORT(is_terminal) int host_is_terminal(int handle);
/* Whether the terminal shows what is typed. */
HOST_IMPORT(echo) int host_echo(int handle, int on);

/* ---- clock and randomness: wasm/machine/host/clock.ts, wasm/machine/host/random.ts ---- */

#define HOST_REALTIME	0		/* since 1970 */
#define HOST_MONOTONIC	1		/* since some moment, never going back */
#define HOST_CPU_TIME	2		/* used by this process */

/* In microseconds, with a fraction. */
HOST_IMPORT(clock) double host_clock(int which);
HOST_IMPORT(random) int host_random(void *buffer, size_t length);

/* ---- the process: wasm/machine/host/process.ts ---- */

/*
 * Ends this process with a wait status, as waitpid(2) reports it: an exit code, shifted to its place, or the number of a
 * signal.
 */
#define STATUS_CODE_SHIFT	8
#define STATUS_SIGNAL_MASK	0x7f
_Noreturn HOST_IMPORT(exit) void host_exit(int status);
/* The environment: NUL-terminated NAME=value strings. Returns their total size; nothing is written if it is > size. */
HOST_IMPORT(environment) int host_environment(char *buffer, size_t size);
/* Signal a process of the system outside; signal 0 asks whether there is one. */
HOST_IMPORT(kill) int host_kill(int pid, int signal);
/* The number of a group of the system outside, or -ENOENT. */
HOST_IMPORT(group) int host_group(const char *name);
/*
 * Where processes share a thread: lets the others run, and returns after how many interrupt checks to call it again.
 * Where this process has a thread of its own: does nothing and returns 0.
 */
HOST_IMPORT(yield) int host_yield(void);
/* What this process tells about its state, in the words of sd_notify(3). */
HOST_IMPORT(notify_state) void host_notify_state(const char *state);

/* ---- loadable modules, by file name without ".so": wasm/machine/loadable-modules.ts ---- */

/* How many bytes of memory a module needs for its data, or -ENOENT if there is none of this name. */
HOST_IMPORT(module_size) int host_module_size(const char *module);
/*
 * Writes the file name of a module that has to be loaded before this one, the `index`th of them, with a NUL. Returns 0, or -ENOENT
 * if there are no more.
 */
HOST_IMPORT(module_needed) int host_module_needed(const char *module, int index, char *buffer, size_t size);
/* Links such a module with this process, with its data at `memory`: zeroed, aligned to 16 bytes, the module's for good. */
HOST_IMPORT(module_load) void host_module_load(const char *module, void *memory);
/* A function of a module that has been loaded, as this process calls it; NULL if the module exports no such function. */
HOST_IMPORT(module_symbol) void *host_module_symbol(const char *module, const char *name);

#endif
