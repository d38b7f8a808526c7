/*
 * users.h: there is one user.
 */
#ifndef USERS_H
#define USERS_H

#define THE_USER		1000	/* not root, as which PostgreSQL refuses to run */
#define THE_USER_NAME	"postgres"

#endif
