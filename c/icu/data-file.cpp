/*
 * data-file.cpp: provides ICU's data, in place of ICU's umapfile.cpp.
 *
 * ICU would map the file with all its data, and here a map is a copy for each process, which needs little of it. ICU
 * looks for each item as a file of its own before it looks for the file with all items: $ICU_DATA/icudt78l/coll/de.res. There is
 * no such folder. This code reads the item from the file with all items, which wasm/build/icu-data.ts writes in ICU's own format.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <string_view>

#include "icu/data-file.h"
#include "udatamem.h"
#include "umapfile.h"

/* In a path, what comes before an item's name. */
static const char FOLDER[] = "/" U_ICUDATA_NAME "/";

/* The file's table of contents, in the order of names; offsets are from its own beginning. */
static UDataOffsetTOC *contents;
static off_t contents_start;

static bool
read_all(int fd, void *buffer, size_t size, off_t offset)
{
	return pread(fd, buffer, size, offset) == static_cast<ssize_t>(size);
}

/* The table and the names end where the first item begins. */
static bool
read_contents(int fd)
{
	MappedData	header;
	UDataOffsetTOC first;

	if (!read_all(fd, &header, sizeof(header), 0) || !read_all(fd, &first, sizeof(first), header.headerSize))
		return false;

	size_t		size = first.entry[0].dataOffset;
	void	   *table = malloc(size);

	if (table == nullptr)
		return false;
	if (!read_all(fd, table, size, header.headerSize))
	{
		free(table);
		return false;
	}
	contents = static_cast<UDataOffsetTOC *>(table);
	contents_start = header.headerSize;
	return true;
}

static const char *
name_of(const UDataOffsetTOCEntry *entry)
{
	return reinterpret_cast<const char *>(contents) + entry->nameOffset;
}

static int
compare(const void *name, const void *entry)
{
	return strcmp(static_cast<const char *>(name), name_of(static_cast<const UDataOffsetTOCEntry *>(entry)));
}

/* Returns memory to be freed, with the size in bytes; NULL if there is no such item, or with a status. */
static void *
read_item(int fd, const char *name, int32_t *size, UErrorCode *status)
{
	if (contents == nullptr && !read_contents(fd))
		return nullptr;

	auto		entry = static_cast<const UDataOffsetTOCEntry *>(
		bsearch(name, contents->entry, contents->count, sizeof(contents->entry[0]), compare));

	if (entry == nullptr)
		return nullptr;

	off_t		start = contents_start + entry->dataOffset;
	bool		last = entry + 1 == contents->entry + contents->count;
	off_t		end = last ? lseek(fd, 0, SEEK_END) : contents_start + entry[1].dataOffset;
	void	   *item = malloc(end - start);

	if (item == nullptr)
		*status = U_MEMORY_ALLOCATION_ERROR;
	else if (!read_all(fd, item, end - start, start))
	{
		free(item);
		return nullptr;
	}
	*size = end - start;
	return item;
}

U_CAPI UBool U_EXPORT2
uprv_mapFile(UDataMemory *data, const char *path, UErrorCode *status)
{
	UDataMemory_init(data);
	if (U_FAILURE(*status))
		return false;

	std::string_view whole(path);
	size_t		folder = whole.rfind(FOLDER);

	if (folder == whole.npos)
		return false;

	char		file[PATH_MAX];

	if (folder + sizeof("/" ICU_DATA_FILE) > sizeof(file))
		return false;
	memcpy(file, path, folder);
	strcpy(file + folder, "/" ICU_DATA_FILE);

	int			fd = open(file, O_RDONLY);

	if (fd < 0)
		return false;
	data->map = read_item(fd, path + folder + 1, &data->length, status);
	close(fd);
	data->mapAddr = data->map;
	data->pHeader = static_cast<const DataHeader *>(data->map);
	return data->map != nullptr;
}

U_CFUNC void
uprv_unmapFile(UDataMemory *data)
{
	free(data->map);
	UDataMemory_init(data);
}
