/*
 * resolver.c: names and addresses of the network.
 *
 * Except for numeric addresses and localhost it asks the host (ask.c). The question is a name, or a numeric address whose name is
 * wanted, and a NUL. The answer is all addresses, or the name, with a NUL after each; "?" if the host does not know now.
 */
#include "process.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "ask.h"
#include "kernel/param.h"

#define ANSWER_SIZE		4096	/* bytes that are read of an answer */

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

/* One result: the entry, and behind it the address that it points to. */
struct entry
{
	struct addrinfo info;
	union
	{
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	}			address;
};

/* Appends an address of this family to the list that *end closes. */
static int
add(struct addrinfo ***end, int family, const void *bytes, unsigned short port, const struct addrinfo *hints)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return EAI_MEMORY;
	entry->info.ai_family = family;
	entry->info.ai_socktype = hints != NULL && hints->ai_socktype != 0 ? hints->ai_socktype : SOCK_STREAM;
	entry->info.ai_protocol = IPPROTO_TCP;
	entry->info.ai_addr = &entry->address.any;
	entry->address.any.sa_family = (sa_family_t) family;
	if (family == AF_INET)
	{
		entry->info.ai_addrlen = sizeof(entry->address.in);
		entry->address.in.sin_port = htons(port);
		memcpy(&entry->address.in.sin_addr, bytes, sizeof(struct in_addr));
	}
	else
	{
		entry->info.ai_addrlen = sizeof(entry->address.in6);
		entry->address.in6.sin6_port = htons(port);
		memcpy(&entry->address.in6.sin6_addr, bytes, sizeof(struct in6_addr));
	}
	**end = &entry->info;
	*end = &entry->info.ai_next;
	return 0;
}

/* ---- asking the host ---- */

/* Returns the length of the answer, which ends with a NUL, or -1 if there is none. */
static int
ask(const char *question, char *answer)
{
	int			length = ask_host(RESOLVER, question, strlen(question) + 1, answer, ANSWER_SIZE);

	while (length > 0 && answer[length - 1] != '\0')
		length--;
	return length > 0 ? length : -1;
}

/* Appends the addresses of these families that a name has. */
static int
add_by_name(struct addrinfo ***end, const char *name, int family, unsigned short port, const struct addrinfo *hints)
{
	char		answer[ANSWER_SIZE];
	int			length = ask(name, answer);
	int			error = 0;

	if (length < 0)
		return EAI_NONAME;
	if (strcmp(answer, "?") == 0)
		return EAI_AGAIN;
	for (char *text = answer; error == 0 && text < answer + length; text += strlen(text) + 1)
	{
		struct in6_addr bytes;	/* as large as any */

		if (family != AF_INET6 && inet_pton(AF_INET, text, &bytes) == 1)
			error = add(end, AF_INET, &bytes, port, hints);
		else if (family != AF_INET && inet_pton(AF_INET6, text, &bytes) == 1)
			error = add(end, AF_INET6, &bytes, port, hints);
	}
	return error;
}

/* ---- the C library's interface ---- */

int
getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
			struct addrinfo **restrict result)
{
	struct addrinfo **end = result;
	int			family = hints != NULL ? hints->ai_family : AF_UNSPEC;
	int			flags = hints != NULL ? hints->ai_flags : 0;
	unsigned short port = 0;
	struct in_addr in = {.s_addr = htonl(flags & AI_PASSIVE ? INADDR_ANY : INADDR_LOOPBACK)};
	struct in6_addr in6 = flags & AI_PASSIVE ? in6addr_any : in6addr_loopback;
	int			is_in = 1,
				is_in6 = 1;
	int			error = 0;

	*result = NULL;
	if (service != NULL)
	{
		char	   *rest;
		unsigned long number = strtoul(service, &rest, 10);

		if (*service == '\0' || *rest != '\0' || number > 65535)
			return EAI_SERVICE;
		port = (unsigned short) number;
	}
	if (host != NULL && inet_pton(AF_INET, host, &in) == 1)
		is_in6 = 0;
	else if (host != NULL && inet_pton(AF_INET6, host, &in6) == 1)
		is_in = 0;
	else if (host != NULL && (flags & AI_NUMERICHOST))
		return EAI_NONAME;
	else if (host != NULL && strcmp(host, "localhost") != 0)
	{
		is_in = is_in6 = 0;
		error = add_by_name(&end, host, family, port, hints);
	}
	else if (host != NULL)
	{
		in.s_addr = htonl(INADDR_LOOPBACK);
		in6 = in6addr_loopback;
	}
	if (error == 0 && is_in6 && family != AF_INET)
		error = add(&end, AF_INET6, &in6, port, hints);
	if (error == 0 && is_in && family != AF_INET6)
		error = add(&end, AF_INET, &in, port, hints);
	if (error != 0)
		freeaddrinfo(*result);
	return error != 0 ? error : *result == NULL ? EAI_NONAME : 0;
}

void
freeaddrinfo(struct addrinfo *list)
{
	while (list != NULL)
	{
		struct addrinfo *next = list->ai_next;

		free(list);
		list = next;
	}
}

int
getnameinfo(const struct sockaddr *restrict address, socklen_t length, char *restrict host, socklen_t host_size,
			char *restrict service, socklen_t service_size, int flags)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *) address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *) address;
	int			is_in = address->sa_family == AF_INET;

	(void) length;
	if (!is_in && address->sa_family != AF_INET6)
		return EAI_FAMILY;
	if (host != NULL && host_size > 0)
	{
		char		answer[ANSWER_SIZE];

		if (inet_ntop(address->sa_family, is_in ? (const void *) &in->sin_addr : (const void *) &in6->sin6_addr,
					  host, host_size) == NULL)
			return EAI_OVERFLOW;
		if (!(flags & NI_NUMERICHOST) && ask(host, answer) > 0 && strcmp(answer, "?") != 0)
		{
			if (strlen(answer) >= host_size)
				return EAI_OVERFLOW;
			strcpy(host, answer);
		}
		else if (flags & NI_NAMEREQD)
			return EAI_NONAME;
	}
	if (service != NULL && service_size > 0)
		snprintf(service, service_size, "%d", ntohs(is_in ? in->sin_port : in6->sin6_port));
	return 0;
}

const char *
gai_strerror(int error)
{
	switch (error)
	{
		case EAI_SERVICE:
			return "Servname not supported for ai_socktype";
		case EAI_MEMORY:
			return "Memory allocation failure";
		case EAI_FAMILY:
			return "ai_family not supported";
		case EAI_OVERFLOW:
			return "Argument buffer overflow";
		case EAI_AGAIN:
			return "Temporary failure in name resolution";
		default:
			return "Name or service not known";
	}
}
