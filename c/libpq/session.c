/*
 * session.c: what libpq tells of a connection with TLS, and decides by: the server's certificate, and how the bytes are encrypted. All of
 * it is in the host's answer (tls.c).
 */
#include "postgres_fe.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "fe-secure-common.h"
#include "libpq-fe.h"
#include "libpq-int.h"

#include "libpq/tls.h"

const char *
tls_next_part(const struct tls *tls, const char *part)
{
	part += strlen(part) + 1;
	return part < tls->answer.data + tls->answer.len ? part : NULL;
}

const char *
tls_part(const struct tls *tls, int index)
{
	const char *part = tls->answer.data;

	while (part != NULL && index-- > 0)
		part = tls_next_part(tls, part);
	return part != NULL ? part : "";
}

/* The bytes of a text in hex, with a NUL behind; NULL without memory. */
static char *
from_hex(const char *hex, size_t *length)
{
	char	   *bytes = malloc(strlen(hex) / 2 + 1);

	*length = 0;
	if (bytes == NULL)
		return NULL;
	for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		bytes[(*length)++] = (char) byte;
	bytes[*length] = '\0';
	return bytes;
}

char *
pgtls_get_peer_certificate_hash(PGconn *conn, size_t *len)
{
	const char *hash = tls_part(conn->tls, TLS_HASH);
	char	   *bytes;

	*len = 0;
	if (hash[0] == '\0')
	{
		libpq_append_conn_error(conn, "could not determine server certificate signature algorithm");
		return NULL;
	}
	bytes = from_hex(hash, len);
	if (bytes == NULL)
		libpq_append_conn_error(conn, "out of memory");
	return bytes;
}

/* Compares the host with one name in the certificate: 1 if it is the same, -1 for an error. Names the first of them. */
static int
compare_name(PGconn *conn, const char *hex, bool is_address, char **first_name)
{
	size_t		length;
	char	   *bytes = from_hex(hex, &length);
	char	   *name = NULL;
	int			result;

	if (bytes == NULL)
	{
		libpq_append_conn_error(conn, "out of memory");
		return -1;
	}
	result = is_address ? pq_verify_peer_name_matches_certificate_ip(conn, (unsigned char *) bytes, length, &name)
		: pq_verify_peer_name_matches_certificate_name(conn, bytes, length, &name);
	free(bytes);
	if (*first_name == NULL)
		*first_name = name;
	else
		free(name);
	return result;
}

/*
 * The subject's name counts only if there is no alternative name of the kind that was connected to. The host puts it behind the
 * alternative names.
 */
int
pgtls_verify_peer_name_matches_certificate_guts(PGconn *conn, int *names_examined, char **first_name)
{
	const char *host = conn->connhost[conn->whichhost].host;
	struct in_addr in;
	struct in6_addr in6;
	bool		is_address = inet_aton(host, &in) || inet_pton(AF_INET6, host, &in6) == 1;
	bool		has_kind = false;
	int			result = 0;

	for (const char *part = conn->tls->answer.data; part != NULL && result == 0; part = tls_next_part(conn->tls, part))
	{
		bool		dns = strncmp(part, "DNS=", 4) == 0,
					ip = strncmp(part, "IP=", 3) == 0;

		has_kind |= is_address ? ip : dns;
		if (!dns && !ip && (strncmp(part, "CN=", 3) != 0 || has_kind))
			continue;
		(*names_examined)++;
		result = compare_name(conn, strchr(part, '=') + 1, ip, first_name);
	}
	return result;
}

void *
PQgetssl(PGconn *conn)
{
	(void) conn;
	return NULL;
}

void *
PQsslStruct(PGconn *conn, const char *struct_name)
{
	(void) conn;
	(void) struct_name;
	return NULL;
}

static const char *const attributes[] = {"library", "key_bits", "cipher", "compression", "protocol", "alpn", NULL};

const char *const *
PQsslAttributeNames(PGconn *conn)
{
	static const char *const none[] = {NULL};

	return conn != NULL && conn->tls == NULL ? none : attributes;
}

const char *
PQsslAttribute(PGconn *conn, const char *attribute_name)
{
	static const int parts[] = {-1, TLS_BITS, TLS_CIPHER, -1, TLS_VERSION, TLS_ALPN};

	if (conn != NULL && conn->tls == NULL)
		return NULL;
	/* Of every host */
	if (strcmp(attribute_name, "library") == 0)
		return "OpenSSL";
	if (conn == NULL)
		return NULL;
	if (strcmp(attribute_name, "compression") == 0)
		return "off";
	for (int i = 0; attributes[i] != NULL; i++)
		if (parts[i] >= 0 && strcmp(attribute_name, attributes[i]) == 0)
			return tls_part(conn->tls, parts[i]);
	return NULL;
}
