/*
 * interfaces.c: the addresses of the host's network interfaces, for samehost and samenet in pg_hba.conf.
 *
 * This file asks the host (ask.c), with an empty question. The answer has each address and its netmask, with a NUL after each of the two.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "ask.h"
#include "kernel/param.h"

#define ANSWER_SIZE		16384	/* bytes that are read of an answer */

/* One result: the entry, and behind it what it points to. */
struct entry
{
	struct ifaddrs interface;
	struct sockaddr_storage address;
	struct sockaddr_storage netmask;
};

/* Returns whether the text is an address. */
static int
parse(const char *text, struct sockaddr_storage *result)
{
	struct sockaddr_in *in = (struct sockaddr_in *) result;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) result;

	result->ss_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	return inet_pton(result->ss_family, text,
					 result->ss_family == AF_INET ? (void *) &in->sin_addr : (void *) &in6->sin6_addr) == 1;
}

/* Returns NULL if the two texts are no address with a netmask, or there is no memory. */
static struct entry *
make_entry(const char *address, const char *netmask)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return NULL;
	if (!parse(address, &entry->address) || !parse(netmask, &entry->netmask))
	{
		free(entry);
		errno = EINVAL;
		return NULL;
	}
	entry->interface.ifa_name = "";
	entry->interface.ifa_addr = (struct sockaddr *) &entry->address;
	entry->interface.ifa_netmask = (struct sockaddr *) &entry->netmask;
	return entry;
}

int
getifaddrs(struct ifaddrs **list)
{
	char	   *answer = malloc(ANSWER_SIZE + 1);
	struct ifaddrs **end = list;
	int			length;

	*list = NULL;
	if (answer == NULL)
		return -1;
	length = ask_host(INTERFACES, "", 1, answer, ANSWER_SIZE);
	answer[length < 0 ? 0 : length] = '\0';
	for (char *address = answer; address < answer + length;)
	{
		char	   *netmask = address + strlen(address) + 1;
		struct entry *entry = netmask < answer + length ? make_entry(address, netmask) : NULL;

		if (entry == NULL)
			break;
		*end = &entry->interface;
		end = &entry->interface.ifa_next;
		address = netmask + strlen(netmask) + 1;
	}
	free(answer);
	if (length >= 0)
		return 0;
	errno = ENOSYS;
	return -1;
}

void
freeifaddrs(struct ifaddrs *list)
{
	while (list != NULL)
	{
		struct ifaddrs *next = list->ifa_next;

		free(list);				/* is at the beginning of its entry */
		list = next;
	}
}
