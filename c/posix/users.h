/*
 * users.h: the only user that there is.
 */
#ifndef USERS_H
#define USERS_H

#define THE_USER		1000	/* not 0: PostgreSQL refuses to run as root */
#define THE_USER_NAME	"postgres"

#endif
