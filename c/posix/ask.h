/*
 * ask.h: questions that the host answers.
 */
#ifndef ASK_H
#define ASK_H

#include <stddef.h>

/*
 * Puts a question to the service of the host that listens at this abstract unix socket ("@name"; kernel/param.h has them
 * all), and waits for the end of the answer. Returns its length, of which no more than `size` is kept, or -1 when there
 * is no such service.
 */
extern int	ask_host(const char *service, const void *question, size_t length, char *answer, size_t size);

#endif
