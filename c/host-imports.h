/*
 * host-imports.h: all functions of the host that a process calls, beside those for its client's bytes
 * (pglite-comm-imports.h) and those of the kernel (kernel/kernel.h). wasm/machine/host/ implements them.
 *
 * Paths are absolute, NUL-terminated UTF-8. A handle is the host's number for an open file. Positions and sizes are
 * doubles that hold integers up to 2^53, because JavaScript's numbers are such. Results are >= 0 or a negated errno of
 * the C library.
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
/* Reads at `position`, or with -1 where the host's own position is. Returns bytes read, 0 at the end of the file. */
HOST_IMPORT(read) int host_read(int handle, void *buffer, size_t length, double position);
/* Writes at `position`, or with -1 to a stream or to the end of a file opened with O_APPEND. Returns bytes written. */
HOST_IMPORT(write) int host_write(int handle, const void *buffer, size_t length, double position);
/* Returns once the file's data is on stable storage, and its metadata as well unless `data_only`. */
HOST_IMPORT(sync) int host_sync(int handle, int data_only);
HOST_IMPORT(truncate) int host_truncate(int handle, double size);

/* A file's status; times in milliseconds since 1970. All fields are doubles, so that the host writes them as one array. */
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
 * Writes a directory's entries without . and ..: for each a byte with its type (DT_REG, DT_DIR, DT_LNK, or DT_UNKNOWN for
 * anything else) and its NUL-terminated name.
 * Returns how many bytes all entries take; if that is more than `size`, it has written nothing.
 */
HOST_IMPORT(list) int host_list(const char *path, char *buffer, size_t size);
HOST_IMPORT(mkdir) int host_mkdir(const char *path, int mode);
HOST_IMPORT(rmdir) int host_rmdir(const char *path);
HOST_IMPORT(unlink) int host_unlink(const char *path);
/* Removes a directory and all that is in it, now or soon: the path is free at once. -ENOSYS where the host does not do that. */
HOST_IMPORT(remove_directory) int host_remove_directory(const char *path);
HOST_IMPORT(rename) int host_rename(const char *from, const char *to);
/* Copies a whole file. The two share their blocks where the file system allows it. -EEXIST if `to` exists. */
HOST_IMPORT(copy) int host_copy(const char *from, const char *to);
HOST_IMPORT(link) int host_link(const char *from, const char *to);
HOST_IMPORT(symlink) int host_symlink(const char *target, const char *path);
/* Writes as much of the target as fits, without a NUL. Returns the target's whole length. */
HOST_IMPORT(readlink) int host_readlink(const char *path, char *buffer, size_t size);
HOST_IMPORT(chmod) int host_chmod(const char *path, int mode);
/* `owner` and `group` are the system's numbers; -1 leaves the file's. */
HOST_IMPORT(chown) int host_chown(const char *path, int owner, int group);
/* Times in milliseconds since 1970. */
HOST_IMPORT(utimes) int host_utimes(const char *path, double accessed, double modified);

/* ---- terminals: wasm/machine/host/files.ts ---- */

/* Whether the open file is a terminal: 1 or 0. */
HOST_IMPORT(is_terminal) int host_is_terminal(int handle);
/* Makes the terminal show what the user types, or not. */
HOST_IMPORT(echo) int host_echo(int handle, int on);

/* ---- clock and randomness: wasm/machine/host/clock.ts, wasm/machine/host/random.ts ---- */

#define HOST_REALTIME	0		/* the time since 1970 */
#define HOST_MONOTONIC	1		/* the time since some moment; it never goes back */
#define HOST_CPU_TIME	2		/* CPU time that this process has used */

/* The time in microseconds, with a fraction. */
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
/* Writes the environment: NUL-terminated NAME=value strings. Returns their total size; if that is > size, it writes nothing. */
HOST_IMPORT(environment) int host_environment(char *buffer, size_t size);
/* Sends a signal to a process of the system around the host; signal 0 only asks whether it exists. */
HOST_IMPORT(kill) int host_kill(int pid, int signal);
/* The number of a group of the system around the host, or -ENOENT. */
HOST_IMPORT(group) int host_group(const char *name);
/*
 * If this process shares a thread with others: lets them run, and returns after how many interrupt checks to call it again.
 * If this process has a thread of its own: does nothing and returns 0.
 */
HOST_IMPORT(yield) int host_yield(void);
/* Tells the host this process' state, in the format of sd_notify(3). */
HOST_IMPORT(notify_state) void host_notify_state(const char *state);

/* ---- loadable modules, by file name without ".so": wasm/machine/loadable-modules.ts ---- */

/* How many bytes of memory a module needs for its data, or -ENOENT if no module has this name. */
HOST_IMPORT(module_size) int host_module_size(const char *module);
/*
 * Writes the NUL-terminated file name of the `index`th module that the process has to load before this one. Returns 0, or
 * -ENOENT if there is none.
 */
HOST_IMPORT(module_needed) int host_module_needed(const char *module, int index, char *buffer, size_t size);
/* Links a module with this process. Its data lies at `memory`, which is zeroed, aligned to 16 bytes, and never freed. */
HOST_IMPORT(module_load) void host_module_load(const char *module, void *memory);
/* A pointer to a function of a loaded module, for this process; NULL if the module exports no such function. */
HOST_IMPORT(module_symbol) void *host_module_symbol(const char *module, const char *name);

#endif
