/*
 * tls.h: what libpq keeps of a connection with TLS; see tls.c.
 */
#ifndef LIBPQ_TLS_H
#define LIBPQ_TLS_H

#include <stdbool.h>
#include <stddef.h>

#include "libpq-int.h"
#include "pqexpbuffer.h"

/* The parts of the host's answer that are always there. Part 0 is "ok". */
enum tls_part_index
{
	TLS_VERSION = 1,
	TLS_CIPHER,
	TLS_BITS,
	TLS_ALPN,
	TLS_REQUESTED,				/* "1" if the server has asked for a certificate */
	TLS_HASH
};

/* The files of which messages tell the name. */
enum tls_file
{
	ROOT_FILE,
	CERTIFICATE_FILE,
	KEY_FILE,
	TLS_FILES
};

struct tls
{
	int			question;		/* the socket from which the host's answer comes; -1 when it has come */
	PQExpBufferData answer;		/* parts, each with a NUL behind */
	char	   *files[TLS_FILES];	/* names */
};

/* A part of the answer by its number; "" if there is none. */
extern const char *tls_part(const struct tls *tls, int index);

/* The part behind this one; NULL behind the last. */
extern const char *tls_next_part(const struct tls *tls, const char *part);

/* Adds the contents of a file, or another text, to the question. */
typedef void add_part_fn(PQExpBuffer question, const char *bytes, size_t length);

/*
 * Adds the files that the options of a connection name, or that lie where libpq looks for them. Returns false with a message if one
 * must be there and is not, cannot be read, or may be read by others.
 */
extern bool tls_add_files(PGconn *conn, struct tls *tls, PQExpBuffer question, add_part_fn *add);

#endif
