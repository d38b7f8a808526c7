/*
 * data.c: reads the file with the locales' data. It lies beside ICU's data, in a folder that an environment variable names.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "icu/data-file.h"
#include "locale/locale.h"

static struct header *header;

static bool
read_all(int fd, void *buffer, size_t size, off_t offset)
{
	ssize_t		count = pread(fd, buffer, size, offset);

	if (count >= 0 && (size_t) count != size)
		errno = EIO;
	return count == (ssize_t) size;
}

static int
open_file(void)
{
	const char *share = getenv(ICU_DATA_FOLDER);
	char		path[PATH_MAX];

	if (share == NULL)
	{
		errno = ENOENT;
		return -1;
	}
	snprintf(path, sizeof(path), "%s/" LOCALES_FILE, share);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Reads a part of the file. The caller frees it. */
static void *
read_from(struct part part)
{
	int			fd = open_file();
	void	   *result = NULL;

	if (fd < 0)
		return NULL;
	if ((result = malloc(part.size)) != NULL && !read_all(fd, result, part.size, part.at))
	{
		free(result);
		result = NULL;
	}
	close(fd);
	return result;
}

const struct header *
locale_index(void)
{
	struct header *start;

	if (header != NULL)
		return header;
	start = read_from((struct part) {0, sizeof(*start)});
	if (start == NULL)
		return NULL;
	if (start->magic == LOCALES_MAGIC)
		header = read_from((struct part) {0, start->size});
	else
		errno = EINVAL;
	free(start);
	return header;
}

const struct locale_data *
locale_number(const struct header *index, uint32_t number)
{
	const struct name *names = (const struct name *) (index + 1);

	return (const struct locale_data *) (names + index->name_count) + number;
}

const char *
locale_text(const struct header *index, uint32_t text)
{
	return (const char *) locale_number(index, index->locale_count) + text;
}

/* Parts that have been read. Locales that are alike have the same ones. */
static struct known_part
{
	struct known_part *next;
	uint32_t	at;
	void	   *content;
}		   *known_parts;

void *
locale_part(struct part part)
{
	struct known_part *known;

	if (part.size == 0)
		return NULL;
	for (known = known_parts; known != NULL; known = known->next)
		if (known->at == part.at)
			return known->content;
	known = malloc(sizeof(*known));
	if (known == NULL)
		return NULL;
	known->at = part.at;
	known->content = read_from(part);
	if (known->content == NULL)
	{
		free(known);
		return NULL;
	}
	known->next = known_parts;
	known_parts = known;
	return known->content;
}
