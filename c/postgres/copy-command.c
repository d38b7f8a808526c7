/*
 * copy-command.c: `cp`, as PostgreSQL's documentation has it in archive_command and restore_command. There is no shell, but the server
 * itself can copy a file, and an archive in a folder needs no more. So a configuration that archives by cp works here as it is.
 *
 * The copy has its name when it is whole and on disk, which is more than cp promises: a server that is killed while it archives leaves
 * no half a segment that `test ! -f` would then take for the whole one.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postgres/copy-command.h"

#define BUFFER		(128 * 1024)
#define UNFINISHED	".copying"

/* One word of a command, without its quotes. */
typedef char word[MAXPGPATH];

/* Characters outside of quotes that mean something to a shell. Those that do between double quotes are refused as well. */
static const char special[] = "|&;<>()$`\\\"'*?[]#~={}!\n";
static const char special_in_quotes[] = "$`\\\"";

/* Reads the next word. Returns false if there is none, or if a shell would not take the word as it is. */
static bool
read_word(const char **at, word result)
{
	const char *from = *at;
	int			length = 0;

	while (*from == ' ')
		from++;
	if (*from == '\0')
		return false;
	while (*from != '\0' && *from != ' ')
	{
		char		quote = *from == '\'' || *from == '"' ? *from++ : '\0';

		if (quote == '\0' && strchr(special, *from) != NULL)
			return false;
		do
		{
			if (quote != '\0' && *from == quote)
				break;
			if (*from == '\0' || (quote == '"' && strchr(special_in_quotes, *from) != NULL))
				return false;
			if (length >= MAXPGPATH - 1)
				return false;
			result[length++] = *from++;
		} while (quote != '\0');
		if (quote != '\0')
			from++;
	}
	result[length] = '\0';
	*at = from;
	return length > 0;
}

/* Reads these words, which are separated by single spaces. */
static bool
skip(const char **at, const char *words)
{
	const char *from = *at;
	size_t		length = strlen(words);

	while (*from == ' ')
		from++;
	if (strncmp(from, words, length) != 0 || from[length] != ' ')
		return false;
	*at = from + length;
	return true;
}

static void
complain(const char *what, const char *path)
{
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("cp: could not %s \"%s\": %m", what, path),
			 errno == EACCES ? errhint("Start the server with --allow-dir to let it use the folder.") : 0));
}

static bool
copy_content(int in, int out, const char *from, const char *to)
{
	char	   *buffer = malloc(BUFFER);
	ssize_t		count;

	if (buffer == NULL)
	{
		complain("read", from);
		return false;
	}
	while ((count = read(in, buffer, BUFFER)) > 0)
		for (ssize_t done = 0, written; done < count; done += written)
			if ((written = write(out, buffer + done, count - done)) <= 0)
			{
				complain("write", to);
				free(buffer);
				return false;
			}
	free(buffer);
	if (count < 0)
		complain("read", from);
	else if (fsync(out) < 0)
		complain("write", to);
	else
		return true;
	return false;
}

/* Makes the names in the folder of a file durable, as far as the host can. */
static void
sync_folder(const char *file)
{
	char		folder[MAXPGPATH];
	int			fd;

	strlcpy(folder, file, sizeof(folder));
	get_parent_directory(folder);
	fd = open(folder[0] == '\0' ? "." : folder, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return;
	(void) fsync(fd);
	close(fd);
}

/* Returns cp's exit code. */
static int
copy(const char *from, const char *to)
{
	char		unfinished[MAXPGPATH + sizeof(UNFINISHED)];
	int			in = open(from, O_RDONLY);
	int			out;
	bool		copied;

	if (in < 0)
	{
		/* Recovery also asks for files that the archive need not have, so this is no error to log. */
		if (errno != ENOENT)
			complain("open", from);
		return 1;
	}
	snprintf(unfinished, sizeof(unfinished), "%s" UNFINISHED, to);
	out = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (out < 0)
	{
		complain("create", unfinished);
		close(in);
		return 1;
	}
	copied = copy_content(in, out, from, unfinished);
	close(in);
	close(out);
	if (copied && rename(unfinished, to) < 0)
	{
		complain("create", to);
		copied = false;
	}
	if (copied)
		sync_folder(to);
	else
		unlink(unfinished);
	return copied ? 0 : 1;
}

bool
run_copy_command(const char *command, int *exit_code)
{
	word		guard = "",
				from,
				to;
	struct stat found;

	if (skip(&command, "test ! -f"))
		if (!read_word(&command, guard) || !skip(&command, "&&"))
			return false;
	if (!skip(&command, "cp") || !read_word(&command, from) || !read_word(&command, to) || from[0] == '-')
		return false;
	while (*command == ' ')
		command++;
	if (*command != '\0')
		return false;

	*exit_code = 1;
	if (guard[0] != '\0' && stat(guard, &found) == 0)
		ereport(LOG, (errmsg("test: file \"%s\" exists", guard)));
	else if (stat(to, &found) == 0 && S_ISDIR(found.st_mode))
	{
		const char *slash = strrchr(from, '/');
		word		inside;

		snprintf(inside, sizeof(inside), "%s/%s", to, slash == NULL ? from : slash + 1);
		*exit_code = copy(from, inside);
	}
	else
		*exit_code = copy(from, to);
	return true;
}
