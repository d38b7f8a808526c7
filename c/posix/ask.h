/*
 * ask.h: how a process asks the host a question.
 */
#ifndef ASK_H
#define ASK_H

#include <stddef.h>

/*
 * Sends a question to the service of the host that listens at this abstract unix socket ("@name"; kernel/param.h has all
 * names), and waits for the end of the answer. Returns the answer's length, or -1 when there is no such service. Keeps no
 * more than `size` bytes of the answer.
 */
extern int	ask_host(const char *service, const void *question, size_t length, char *answer, size_t size);

/*
 * Sends a question, for a caller that does something else until the answer is there. Returns the socket from which he reads the answer up to
 * its end, and which he closes; -1 when there is no such service.
 */
extern int	ask_begin(const char *service, const void *question, size_t length);

#endif
