/*
 * users.h: the user that the server runs as, and the one at the other end of this process' connection.
 */
#ifndef USERS_H
#define USERS_H

#define THE_USER		1000	/* not 0: PostgreSQL refuses to run as root */
#define THE_USER_NAME	"postgres"
#define PEER			1001	/* the user for whom user_named() was last called */
#define USER_NAME_SIZE	256		/* bytes of a user's name with its NUL; Linux allows none that is longer */

/* The number of a user of the system around the host. */
extern unsigned int user_named(const char *name);

#endif
