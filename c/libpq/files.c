/*
 * files.c: the certificates, keys and revocation lists of a connection with TLS, as libpq finds them: by the connection's options, or in
 * the home directory. The process reads them, so they are files that it may read, by names as it sees them. What is in them the host says.
 */
#include "postgres_fe.h"

#include <dirent.h>
#include <sys/stat.h>

#include "libpq-fe.h"
#include "libpq-int.h"

#include "libpq/tls.h"

/* Where libpq looks for a file: the option's value, or a name in the home directory. Returns false if there is neither. */
static bool
find_file(const char *option, const char *name, char path[MAXPGPATH])
{
	char		home[MAXPGPATH];

	path[0] = '\0';
	if (option != NULL && option[0] != '\0')
		strlcpy(path, option, MAXPGPATH);
	else if (pqGetHomeDirectory(home, sizeof(home)))
		snprintf(path, MAXPGPATH, "%s/%s", home, name);
	return path[0] != '\0';
}

static bool
keep_name(PGconn *conn, struct tls *tls, enum tls_file file, const char *path)
{
	tls->files[file] = strdup(path);
	if (tls->files[file] == NULL)
		libpq_append_conn_error(conn, "out of memory");
	return tls->files[file] != NULL;
}

/* Appends the contents of a file, and a line end, which separates several. Returns false, with errno, if it cannot be read. */
static bool
read_file(const char *path, PQExpBuffer contents)
{
	FILE	   *file = fopen(path, "rb");
	char		buffer[4096];
	size_t		n;
	bool		failed;

	if (file == NULL)
		return false;
	while ((n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		appendBinaryPQExpBuffer(contents, buffer, n);
	failed = ferror(file) != 0;
	fclose(file);
	explicit_bzero(buffer, sizeof(buffer));
	return !failed;
}

/* Adds a file that must be readable, and without which there would be a gap in the question. */
static bool
add_file(PGconn *conn, const char *path, const char *message, PQExpBuffer question, add_part_fn *add)
{
	PQExpBufferData contents;
	char		error[PG_STRERROR_R_BUFLEN];
	bool		read;

	initPQExpBuffer(&contents);
	read = read_file(path, &contents);
	if (!read)
		libpq_append_conn_error(conn, message, path, strerror_r(errno, error, sizeof(error)));
	add(question, contents.data, contents.len);
	explicit_bzero(contents.data, contents.maxlen);
	termPQExpBuffer(&contents);
	return read;
}

/* The revocation lists: of a file, and of all files in a directory. There need not be any, but if they are read, they count. */
static void
add_lists(PGconn *conn, PQExpBuffer question, add_part_fn *add)
{
	bool		has_directory = conn->sslcrldir != NULL && conn->sslcrldir[0] != '\0';
	bool		has_file = conn->sslcrl != NULL && conn->sslcrl[0] != '\0';
	char		path[MAXPGPATH];
	PQExpBufferData contents;
	const char *from = has_directory ? "directory" : "";

	initPQExpBuffer(&contents);
	/* As in OpenSSL, a file that cannot be read makes the directory not count. */
	if ((has_file || !has_directory) && find_file(conn->sslcrl, ROOT_CRL_FILE, path))
		from = !read_file(path, &contents) ? "" : has_directory ? from : "file";
	if (from[0] == 'd')
	{
		DIR		   *directory = opendir(conn->sslcrldir);
		struct dirent *entry;

		while (directory != NULL && (entry = readdir(directory)) != NULL)
		{
			snprintf(path, sizeof(path), "%s/%s", conn->sslcrldir, entry->d_name);
			if (entry->d_name[0] != '.')
				read_file(path, &contents);
		}
		if (directory != NULL)
			closedir(directory);
	}
	add(question, from, strlen(from));
	add(question, contents.data, contents.len);
	termPQExpBuffer(&contents);
}

/* What the server's certificate is verified with. */
static bool
add_roots(PGconn *conn, struct tls *tls, PQExpBuffer question, add_part_fn *add)
{
	struct stat status;
	char		path[MAXPGPATH];
	bool		found = find_file(conn->sslrootcert, ROOT_CERT_FILE, path);

	if (found && strcmp(path, "system") == 0)
	{
		add(question, "system", strlen("system"));
		for (int i = 0; i < 3; i++) /* no file, and no revocation lists */
			add(question, "", 0);
		return keep_name(conn, tls, ROOT_FILE, path);
	}
	if (found && stat(path, &status) == 0)
	{
		add(question, "file", strlen("file"));
		if (!keep_name(conn, tls, ROOT_FILE, path) ||
			!add_file(conn, path, "could not read root certificate file \"%s\": %s", question, add))
			return false;
		add_lists(conn, question, add);
		return true;
	}
	for (int i = 0; i < 4; i++)
		add(question, "", 0);
	if (conn->sslmode[0] != 'v')	/* verify-ca or verify-full */
		return true;
	if (found)
		libpq_append_conn_error(conn, "root certificate file \"%s\" does not exist\n"
								"Either provide the file, use the system's trusted roots with sslrootcert=system, or change sslmode to disable server certificate verification.", path);
	else
		libpq_append_conn_error(conn, "could not get home directory to locate root certificate file\n"
								"Either provide the file, use the system's trusted roots with sslrootcert=system, or change sslmode to disable server certificate verification.");
	return false;
}

static bool
add_key(PGconn *conn, struct tls *tls, PQExpBuffer question, add_part_fn *add)
{
	struct stat status;
	char		path[MAXPGPATH];

	if (!find_file(conn->sslkey, USER_KEY_FILE, path))
	{
		add(question, "", 0);
		return keep_name(conn, tls, KEY_FILE, path);
	}
	if (!keep_name(conn, tls, KEY_FILE, path))
		return false;
	if (stat(path, &status) != 0)
	{
		if (errno == ENOENT)
			libpq_append_conn_error(conn, "certificate present, but not private key file \"%s\"", path);
		else
			libpq_append_conn_error(conn, "could not stat private key file \"%s\": %m", path);
		return false;
	}
	if (!S_ISREG(status.st_mode))
	{
		libpq_append_conn_error(conn, "private key file \"%s\" is not a regular file", path);
		return false;
	}
	/* Every file seems to belong to this user (posix/stat.h), also root's, which others of its group might read. */
	if (status.st_mode & (S_IRWXG | S_IRWXO))
	{
		libpq_append_conn_error(conn, "private key file \"%s\" has group or world access; file must have permissions u=rw (0600) or less", path);
		return false;
	}
	return add_file(conn, path, "could not load private key file \"%s\": %s", question, add);
}

bool
tls_add_files(PGconn *conn, struct tls *tls, PQExpBuffer question, add_part_fn *add)
{
	struct stat status;
	char		path[MAXPGPATH];
	char		error[PG_STRERROR_R_BUFLEN];
	bool		is_named = conn->sslcert != NULL && conn->sslcert[0] != '\0';

	if (!add_roots(conn, tls, question, add))
		return false;
	if (conn->sslcertmode[0] == 'd' /* disable */ || !find_file(conn->sslcert, USER_CERT_FILE, path))
		path[0] = '\0';
	else if (stat(path, &status) != 0)
	{
		/* A server's processes may not look into a home directory. */
		if (errno != ENOENT && errno != ENOTDIR && (is_named || errno != EACCES))
		{
			libpq_append_conn_error(conn, "could not open certificate file \"%s\": %s", path, strerror_r(errno, error, sizeof(error)));
			return false;
		}
		path[0] = '\0';
	}
	if (path[0] == '\0')
	{
		for (int i = 0; i < 2; i++)
			add(question, "", 0);
		return true;
	}
	return keep_name(conn, tls, CERTIFICATE_FILE, path) &&
		add_file(conn, path, "could not read certificate file \"%s\": %s", question, add) &&
		add_key(conn, tls, question, add);
}
