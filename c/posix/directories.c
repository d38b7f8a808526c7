/*
 * directories.c: reads directories, for readdir().
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "descriptors.h"
#include "host-imports.h"

/* Reads the whole directory once, so that entries come in one consistent order however it changes meanwhile. */
static int
read_list(struct file *directory)
{
	int			size = 32768;

	for (;;)
	{
		char	   *list = malloc((size_t) size);
		int			needed;

		if (list == NULL)
			return -ENOMEM;
		needed = host_list(directory->path, list, (size_t) size);
		if (needed >= 0 && needed <= size)
		{
			directory->list = list;
			directory->list_size = needed;
			return 0;
		}
		free(list);
		if (needed < 0)
			return needed;
		size = needed + 1024;
	}
}

/* Appends one entry if it fits; returns its size, or 0. */
static size_t
add_entry(void *buffer, size_t room, int type, const char *name, int64_t next)
{
	struct dirent *entry = buffer;
	size_t		length = strlen(name) + 1;
	size_t		size = (offsetof(struct dirent, d_name) + length + 7) & ~(size_t) 7;

	if (size > room || length > sizeof(entry->d_name))
		return 0;
	memset(entry, 0, offsetof(struct dirent, d_name));
	entry->d_ino = 1;			/* not 0, so that the entry counts; only stat() tells the file's number */
	entry->d_off = next;
	entry->d_reclen = (unsigned short) size;
	entry->d_type = (unsigned char) type;
	memcpy(entry->d_name, name, length);
	return size;
}

/* The position counts ".", "..", and then bytes of the list. */
int
__syscall_getdents64(int fd, void *buffer, size_t size)
{
	struct file *file = descriptor_file(fd);
	size_t		used = 0;

	if (file == NULL)
		return -EBADF;
	if (file->path == NULL)
		return -ENOTDIR;
	if (file->list == NULL)
	{
		int			error = read_list(file);

		if (error < 0)
			return error;
	}
	for (;;)
	{
		int			at = (int) file->position - 2;
		const char *name = at < 0 ? &".."[-1 - at] : file->list + at + 1;
		int			type = at < 0 ? DT_DIR : file->list[at];
		double		next = at < 0 ? file->position + 1 : file->position + 2 + (double) strlen(name);
		size_t		added;

		if (at >= file->list_size)
			return (int) used;
		added = add_entry((char *) buffer + used, size - used, type, name, (int64_t) next);
		if (added == 0)
			return used > 0 ? (int) used : -EINVAL;
		used += added;
		file->position = next;
	}
}
