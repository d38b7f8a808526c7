/*
 * tls.c: TLS for the connections that libpq makes, in place of fe-secure-openssl.c.
 *
 * The host does TLS, as for clients (postgres/tls.c), and the rings carry the plain bytes: the process asks the host for a handshake on
 * its socket, goes on when the answer is there, and from then on reads and writes as without TLS. What the connection's options say is
 * libpq's: which files there are (files.c), and whether the names in the server's certificate are the one that was connected to
 * (session.c).
 *
 * The service is that of postgres/tls.c, with these questions:
 *	 connect	the socket and a NUL, then parts with their length in decimal digits and a NUL before each: the server's name for SNI, the
 *				oldest and newest version of TLS, what certificates are verified with ("", "system" or "file"), then the contents of files:
 *				root certificates, where revocation lists are from ("", "file" or "directory"), these lists, certificate, private key; the
 *				key's password; "1" if the connection's secrets are wanted
 *	 failure	the socket: why has its connection ended? -> the reason, if it is one of TLS
 *
 * The answer to "connect" is "ok", version, cipher, its bits, the protocol chosen by ALPN, "1" if the server has asked for a certificate and else "",
 * hash of the server's certificate in hex, then names in that certificate, "DNS=", "IP=" and "CN=" with bytes in hex behind, and secrets, "KEY=" with a line behind. Or it is "error",
 * what is wrong (a key of `failures` below) and the reason.
 */
#include "postgres_fe.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fe-secure-common.h"
#include "libpq-fe.h"
#include "libpq-int.h"
#include "libpq/pqcomm.h"
#include "port.h"

#include "kernel/param.h"
#include "libpq/tls.h"
#include "posix/ask.h"

/* How libpq says that a part of TLS has failed. Those with a file name it. */
static const struct
{
	const char *what;
	const char *message;
	int			file;			/* of struct tls, or -1 */
}			failures[] = {
	{"roots", "could not read root certificate file \"%s\": %s", ROOT_FILE},
	{"certificate", "could not read certificate file \"%s\": %s", CERTIFICATE_FILE},
	{"key", "could not load private key file \"%s\": %s", KEY_FILE},
	{"match", "certificate does not match private key file \"%s\": %s", KEY_FILE},
	{"handshake", "SSL error: %s", -1},
	{"system", "SSL SYSCALL error: %s", -1},
	{"host", "could not establish SSL connection: %s", -1},
};

/* ---- the handshake ---- */

static bool
is_set(const char *option)
{
	return option != NULL && option[0] != '\0';
}

static void
add_part(PQExpBuffer question, const char *bytes, size_t length)
{
	appendPQExpBuffer(question, "%zu", length);
	appendPQExpBufferChar(question, '\0');
	appendBinaryPQExpBuffer(question, bytes, length);
}

static void
add_text(PQExpBuffer question, const char *text)
{
	add_part(question, text, strlen(text));
}

/* SNI is for names (RFC 6066). */
static const char *
server_name(PGconn *conn)
{
	const char *host = conn->connhost[conn->whichhost].host;

	if (!is_set(host) || !is_set(conn->sslsni) || conn->sslsni[0] != '1' ||
		strspn(host, "0123456789.") == strlen(host) || strchr(host, ':') != NULL)
		return "";
	return host;
}

/* Asks the host for a handshake. Returns false with a message if it cannot be asked. */
static bool
begin(PGconn *conn)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	PQExpBufferData question;
	bool		read;

	if (tls == NULL)
	{
		libpq_append_conn_error(conn, "out of memory");
		return false;
	}
	tls->question = -1;
	initPQExpBuffer(&tls->answer);
	conn->tls = tls;
	conn->ssl_in_use = true;

	initPQExpBuffer(&question);
	appendPQExpBuffer(&question, "connect%c%d", '\0', conn->sock);
	appendPQExpBufferChar(&question, '\0');
	add_text(&question, server_name(conn));
	add_text(&question, is_set(conn->ssl_min_protocol_version) ? conn->ssl_min_protocol_version : "");
	add_text(&question, is_set(conn->ssl_max_protocol_version) ? conn->ssl_max_protocol_version : "");
	read = tls_add_files(conn, tls, &question, add_part);
	add_text(&question, is_set(conn->sslpassword) ? conn->sslpassword : "");
	add_text(&question, is_set(conn->sslkeylogfile) ? "1" : "");
	if (read && PQExpBufferDataBroken(question))
	{
		libpq_append_conn_error(conn, "out of memory");
		read = false;
	}
	else if (read)
	{
		tls->question = ask_begin(TLS_SERVICE, question.data, question.len);
		if (tls->question < 0)
			libpq_append_conn_error(conn, "could not establish SSL connection: %s", "this host cannot do TLS");
	}
	/* It may have a private key in it. */
	explicit_bzero(question.data, question.maxlen);
	termPQExpBuffer(&question);
	return read && tls->question >= 0 && pg_set_noblock(tls->question);
}

/* OpenSSL's reasons when the two sides have no version of TLS in common, for which libpq has a hint. */
static bool
is_about_versions(const char *reason)
{
	return strstr(reason, "version") != NULL || strstr(reason, "protocol") != NULL;
}

static void
report_failure(PGconn *conn)
{
	struct tls *tls = conn->tls;
	const char *what = tls_part(tls, 1),
			   *reason = tls_part(tls, 2);

	for (size_t i = 0; i < lengthof(failures); i++)
	{
		if (strcmp(what, failures[i].what) != 0)
			continue;
		if (failures[i].file < 0)
			libpq_append_conn_error(conn, failures[i].message, reason);
		else
			libpq_append_conn_error(conn, failures[i].message, tls->files[failures[i].file], reason);
		if (strcmp(what, "handshake") == 0 && is_about_versions(reason) && strstr(reason, "application") == NULL)
			libpq_append_conn_error(conn, "This may indicate that the server does not support any SSL protocol version between %s and %s.",
									is_set(conn->ssl_min_protocol_version) ? conn->ssl_min_protocol_version : "TLSv1",
									is_set(conn->ssl_max_protocol_version) ? conn->ssl_max_protocol_version : "TLSv1.3");
		return;
	}
	libpq_append_conn_error(conn, "could not establish SSL connection: %s", "this host cannot do TLS");
}

/* Appends the secrets of a connection to a file, for who analyses what has been recorded of it. */
static void
log_secrets(PGconn *conn)
{
	int			fd = -1;

	for (const char *part = conn->tls->answer.data; part != NULL; part = tls_next_part(conn->tls, part))
	{
		if (strncmp(part, "KEY=", 4) != 0)
			continue;
		if (fd < 0)
			fd = open(conn->sslkeylogfile, O_WRONLY | O_APPEND | O_CREAT, 0600);
		if (fd < 0)
		{
			fprintf(stderr, libpq_gettext("WARNING: could not open SSL key logging file \"%s\": %m\n"), conn->sslkeylogfile);
			return;
		}
		if (write(fd, part + 4, strlen(part + 4)) < 0 || write(fd, "\n", 1) < 0)
			fprintf(stderr, libpq_gettext("WARNING: could not write to SSL key logging file \"%s\": %m\n"), conn->sslkeylogfile);
	}
	if (fd >= 0)
		close(fd);
}

/* Reads the answer as far as it is there. */
static PostgresPollingStatusType
read_answer(PGconn *conn)
{
	struct tls *tls = conn->tls;

	for (;;)
	{
		char		buffer[4096];
		ssize_t		n = recv(tls->question, buffer, sizeof(buffer), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		{
			/* Until then it is this socket that the caller waits for. */
			conn->altsock = tls->question;
			return PGRES_POLLING_READING;
		}
		if (n <= 0)
			break;
		appendBinaryPQExpBuffer(&tls->answer, buffer, (size_t) n);
	}
	close(tls->question);
	tls->question = -1;
	conn->altsock = PGINVALID_SOCKET;
	if (PQExpBufferDataBroken(tls->answer))
	{
		libpq_append_conn_error(conn, "out of memory");
		return PGRES_POLLING_FAILED;
	}
	if (strcmp(tls->answer.data, "ok") == 0)
		return PGRES_POLLING_OK;
	report_failure(conn);
	return PGRES_POLLING_FAILED;
}

/* What libpq demands of the connection beyond the handshake. */
static bool
is_acceptable(PGconn *conn)
{
	const char *protocol = tls_part(conn->tls, TLS_ALPN);

	if (conn->current_enc_method == ENC_SSL && conn->sslnegotiation[0] == 'd' && strcmp(protocol, PG_ALPN_PROTOCOL) != 0)
	{
		libpq_append_conn_error(conn, protocol[0] == '\0'
								? "direct SSL connection was established without ALPN protocol negotiation extension"
								: "SSL connection was established with unexpected ALPN protocol");
		return false;
	}
	return pq_verify_peer_name_matches_certificate(conn);
}

PostgresPollingStatusType
pgtls_open_client(PGconn *conn)
{
	PostgresPollingStatusType status;

	status = conn->tls == NULL && !begin(conn) ? PGRES_POLLING_FAILED : read_answer(conn);
	if (status == PGRES_POLLING_OK)
	{
		conn->ssl_handshake_started = true;
		conn->ssl_cert_requested = tls_part(conn->tls, TLS_REQUESTED)[0] == '1';
		conn->ssl_cert_sent = conn->ssl_cert_requested && conn->tls->files[CERTIFICATE_FILE] != NULL;
		if (is_set(conn->sslkeylogfile))
			log_secrets(conn);
		if (!is_acceptable(conn))
			status = PGRES_POLLING_FAILED;
	}
	if (status == PGRES_POLLING_FAILED)
		pgtls_close(conn);
	return status;
}

void
pgtls_close(PGconn *conn)
{
	if (conn->tls == NULL)
		return;
	if (conn->tls->question >= 0)
		close(conn->tls->question);
	conn->altsock = PGINVALID_SOCKET;
	termPQExpBuffer(&conn->tls->answer);
	for (int i = 0; i < TLS_FILES; i++)
		free(conn->tls->files[i]);
	free(conn->tls);
	conn->tls = NULL;
	conn->ssl_in_use = false;
	conn->ssl_handshake_started = false;
	/* PQcancelPoll() takes the end of its connection for a success if there is no errno, and it closes first. */
	SOCK_ERRNO_SET(0);
}

/* ---- the connection ---- */

/* Says why there is nothing more to read. */
static void
report_end(PGconn *conn)
{
	PQExpBufferData question;
	char		answer[256];
	int			length;

	initPQExpBuffer(&question);
	appendPQExpBuffer(&question, "failure%c%d", '\0', conn->sock);
	appendPQExpBufferChar(&question, '\0');
	length = PQExpBufferDataBroken(question) ? -1
		: ask_host(TLS_SERVICE, question.data, question.len, answer, sizeof(answer) - 1);
	termPQExpBuffer(&question);
	/* "ok", NUL, and perhaps a reason */
	answer[length > 0 ? length : 0] = '\0';
	if (length > 3 && answer[3] != '\0')
		libpq_append_conn_error(conn, "SSL error: %s", answer + 3);
	else
		libpq_append_conn_error(conn, "SSL connection has been closed unexpectedly");
}

ssize_t
pgtls_read(PGconn *conn, void *ptr, size_t len)
{
	ssize_t		n = recv(conn->sock, ptr, len, 0);

	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)))
		return n;
	report_end(conn);
	/* The caller does not ask whether 0 is the end: with TLS it is none to him. */
	SOCK_ERRNO_SET(ECONNRESET);
	return -1;
}

/* All that has been decrypted is in the ring, which poll() knows. */
ssize_t
pgtls_bytes_pending(PGconn *conn)
{
	(void) conn;
	return 0;
}

ssize_t
pgtls_write(PGconn *conn, const void *ptr, size_t len)
{
	return pqsecure_raw_write(conn, ptr, len);
}
