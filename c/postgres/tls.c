/*
 * tls.c: TLS for clients, in place of be-secure-openssl.c.
 *
 * The host does TLS, and the rings carry the plain bytes, so a backend reads and writes as without TLS. The functions here
 * ask the host for it (posix/ask.c) and tell PostgreSQL the result: whether the handshake has succeeded, and what the client's
 * certificate says. PostgreSQL decides, as always, who may log in, and by which method.
 *
 * Questions, their parts with a NUL behind each. An answer is "ok" and its parts, or "error" and the reason:
 *	 load	(postmaster) take these settings, and files, for connections from now on
 *	 state	is there something loaded? -> 1 if client certificates are verified, else 0
 *	 open	socket, and what of the client's bytes has been read already: do the handshake -> version, cipher, its bits,
 *			1 if ALPN was used, hash of the server's certificate in hex; then of the client's certificate, if any: 1 if it
 *			has a common name, that name, distinguished name, subject, issuer, serial number
 *
 * The host reads the private key, which never enters the memory of the processes.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/libpq.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "storage/waiteventset.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "kernel/param.h"
#include "posix/ask.h"

#define ANSWER_SIZE		16384
#define MAX_PARTS		12

/* The default of ssl_ciphers in a build with OpenSSL. Without OpenSSL it is "none", which would allow no cipher of TLS 1.2. */
#define DEFAULT_CIPHERS "HIGH:MEDIUM:+3DES:!aNULL"

static char answer[ANSWER_SIZE + 1];
static const char *parts[MAX_PARTS];	/* of the answer, without its "ok"; "" where there are no more */
static int	nparts;

/* This backend's connection */
static struct
{
	const char *version;
	const char *cipher;
	int			cipher_bits;
	const char *certificate_hash;
	const char *subject;
	const char *issuer;
	const char *serial;
}			connection;

static void
add_part(StringInfo question, const char *text)
{
	appendBinaryStringInfo(question, text, strlen(text) + 1);
}

/* Asks the host. Returns NULL, or the reason for a failure. */
static const char *
ask(StringInfo question)
{
	int			length = ask_host(TLS_SERVICE, question->data, question->len, answer, ANSWER_SIZE);
	char	   *at = answer;

	pfree(question->data);
	if (length <= 0)
		return "the host has no TLS";
	answer[length] = '\0';
	nparts = 0;
	for (int i = 0; i < MAX_PARTS; i++)
	{
		at += at < answer + length ? strlen(at) + 1 : 0;
		parts[i] = at < answer + length ? at : "";
		if (at < answer + length)
			nparts++;
	}
	return strcmp(answer, "ok") == 0 ? NULL : parts[0];
}

/* The host has no TLS before 1.2. */
static const char *
version_name(int version)
{
	switch (version)
	{
		case PG_TLS_ANY:
			return "";
		case PG_TLS1_2_VERSION:
			return "TLSv1.2";
		case PG_TLS1_3_VERSION:
			return "TLSv1.3";
		default:
			return NULL;
	}
}

static bool
is_supported(const char *setting, int version, int elevel)
{
	if (version_name(version) != NULL)
		return true;
	ereport(elevel,
			(errmsg("\"%s\" setting \"%s\" not supported by this build", setting, GetConfigOption(setting, false, false))));
	return false;
}

int
be_tls_init(bool isServerStart)
{
	int			elevel = isServerStart ? FATAL : LOG;
	StringInfoData question;
	const char *error;

	initStringInfo(&question);
	if (IsUnderPostmaster)
	{
		/* The settings that the postmaster has loaded apply, as they do after a fork */
		add_part(&question, "state");
		error = ask(&question);
		ssl_loaded_verify_locations = error == NULL && strcmp(parts[0], "1") == 0;
		return error == NULL ? 0 : -1;
	}
	if (!is_supported("ssl_min_protocol_version", ssl_min_protocol_version, elevel) ||
		!is_supported("ssl_max_protocol_version", ssl_max_protocol_version, elevel) ||
		!check_ssl_key_file_permissions(ssl_key_file, isServerStart))
		return -1;
	add_part(&question, "load");
	add_part(&question, ssl_cert_file);
	add_part(&question, ssl_key_file);
	add_part(&question, ssl_ca_file);
	add_part(&question, ssl_crl_file);
	add_part(&question, ssl_crl_dir);
	add_part(&question, ssl_dh_params_file);
	add_part(&question, version_name(ssl_min_protocol_version));
	add_part(&question, version_name(ssl_max_protocol_version));
	add_part(&question, strcmp(SSLCipherList, "none") == 0 ? DEFAULT_CIPHERS : SSLCipherList);
	add_part(&question, SSLCipherSuites);
	add_part(&question, SSLECDHCurve);
	add_part(&question, SSLPreferServerCiphers ? "1" : "0");
	error = ask(&question);
	if (error != NULL)
	{
		ereport(elevel, (errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("could not initialize SSL: %s", error)));
		return -1;
	}
	ssl_loaded_verify_locations = ssl_ca_file[0] != '\0';
	return 0;
}

void
be_tls_destroy(void)
{
	ssl_loaded_verify_locations = false;
}

static char *
keep(const char *text)
{
	return MemoryContextStrdup(TopMemoryContext, text);
}

int
be_tls_open_server(Port *port)
{
	StringInfoData question;
	const char *error;

	initStringInfo(&question);
	add_part(&question, "open");
	appendStringInfo(&question, "%d", port->sock);
	appendStringInfoChar(&question, '\0');
	if (port->raw_buf_remaining > 0)
		appendBinaryStringInfo(&question, port->raw_buf + port->raw_buf_consumed, port->raw_buf_remaining);
	port->raw_buf_consumed += port->raw_buf_remaining;
	port->raw_buf_remaining = 0;
	error = ask(&question);
	if (error != NULL)
	{
		ereport(COMMERROR,
				(errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("could not accept SSL connection: %s", error)));
		return -1;
	}
	port->ssl_in_use = true;
	connection.version = keep(parts[0]);
	connection.cipher = keep(parts[1]);
	connection.cipher_bits = atoi(parts[2]);
	port->alpn_used = strcmp(parts[3], "1") == 0;
	connection.certificate_hash = keep(parts[4]);
	if (nparts > 5)
	{
		port->peer_cn = strcmp(parts[5], "1") == 0 ? keep(parts[6]) : NULL;
		port->peer_dn = keep(parts[7]);
		connection.subject = keep(parts[8]);
		connection.issuer = keep(parts[9]);
		connection.serial = keep(parts[10]);
		port->peer_cert_valid = true;
	}
	return 0;
}

void
be_tls_close(Port *port)
{
	port->ssl_in_use = false;
}

ssize_t
be_tls_read(Port *port, void *ptr, size_t len, int *waitfor)
{
	*waitfor = WL_SOCKET_READABLE;
	return secure_raw_read(port, ptr, len);
}

ssize_t
be_tls_write(Port *port, const void *ptr, size_t len, int *waitfor)
{
	*waitfor = WL_SOCKET_WRITEABLE;
	return secure_raw_write(port, ptr, len);
}

int
be_tls_get_cipher_bits(Port *port)
{
	(void) port;
	return connection.cipher_bits;
}

const char *
be_tls_get_version(Port *port)
{
	(void) port;
	return connection.version;
}

const char *
be_tls_get_cipher(Port *port)
{
	(void) port;
	return connection.cipher;
}

static void
copy_text(char *to, const char *text, size_t size)
{
	strlcpy(to, text != NULL ? text : "", size);
}

void
be_tls_get_peer_subject_name(Port *port, char *ptr, size_t len)
{
	(void) port;
	copy_text(ptr, connection.subject, len);
}

void
be_tls_get_peer_issuer_name(Port *port, char *ptr, size_t len)
{
	(void) port;
	copy_text(ptr, connection.issuer, len);
}

void
be_tls_get_peer_serial(Port *port, char *ptr, size_t len)
{
	(void) port;
	copy_text(ptr, connection.serial, len);
}

char *
be_tls_get_certificate_hash(Port *port, size_t *len)
{
	size_t		digits = strlen(connection.certificate_hash);
	char	   *hash;

	(void) port;
	if (digits == 0)
		elog(ERROR, "could not find digest for the server certificate's signature algorithm");
	hash = palloc(digits / 2);
	*len = hex_decode(connection.certificate_hash, digits, hash);
	return hash;
}
