/*
 * users.c: the user that the server runs as, with fixed values, and the user at the other end of the connection, of whom only the name
 * matters. Groups are those of the system, because a unix socket can be given to one.
 */
#include "users.h"
#include "host-imports.h"
#include "process.h"
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static struct passwd the_user = {
	.pw_name = THE_USER_NAME,
	.pw_passwd = "x",
	.pw_uid = THE_USER,
	.pw_gid = THE_USER,
	.pw_gecos = "",
	.pw_dir = "/",
	.pw_shell = "/bin/sh",
};

static char peer_name[USER_NAME_SIZE];

static struct passwd the_peer = {
	.pw_name = peer_name,
	.pw_passwd = "x",
	.pw_uid = PEER,
	.pw_gid = PEER,
	.pw_gecos = "",
	.pw_dir = "/",
	.pw_shell = "/bin/sh",
};

static struct group the_group = {
	.gr_name = THE_USER_NAME,
	.gr_passwd = "x",
	.gr_gid = THE_USER,
};

uid_t
getuid(void)
{
	return THE_USER;
}

uid_t
geteuid(void)
{
	return THE_USER;
}

gid_t
getgid(void)
{
	return THE_USER;
}

gid_t
getegid(void)
{
	return THE_USER;
}

struct passwd *
getpwuid(uid_t uid)
{
	return uid == THE_USER ? &the_user : uid == PEER && peer_name[0] != '\0' ? &the_peer : NULL;
}

uid_t
user_named(const char *name)
{
	strncpy(peer_name, name, sizeof(peer_name) - 1);
	return PEER;
}

struct passwd *
getpwnam(const char *name)
{
	return strcmp(name, THE_USER_NAME) == 0 ? &the_user : NULL;
}

int
getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
	(void) buffer;
	(void) size;
	*result = getpwuid(uid);
	if (*result != NULL)
		*result = memcpy(entry, *result, sizeof(*entry));
	return 0;
}

int
getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **result)
{
	return getpwuid_r(strcmp(name, THE_USER_NAME) == 0 ? THE_USER : 0, entry, buffer, size, result);
}

struct group *
getgrnam(const char *name)
{
	static struct group found = {.gr_passwd = "x"};
	int			number = host_group(name);

	if (number < 0)
		return NULL;
	found.gr_name = (char *) name;
	found.gr_gid = (gid_t) number;
	return &found;
}

struct group *
getgrgid(gid_t gid)
{
	return gid == THE_USER ? &the_group : NULL;
}
