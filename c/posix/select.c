/*
 * select.c: select(), which PostgreSQL's client programs call, by poll(). See sys/select.h.
 */
#include <sys/select.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/time.h>

int
descriptor_set_has(int fd, const struct descriptor_set *set)
{
	for (int i = 0; i < set->count; i++)
		if (set->fds[i] == fd)
			return 1;
	return 0;
}

void
descriptor_set_add(int fd, struct descriptor_set *set)
{
	if (!descriptor_set_has(fd, set) && set->count < DESCRIPTOR_SET_ROOM)
		set->fds[set->count++] = fd;
}

void
descriptor_set_remove(int fd, struct descriptor_set *set)
{
	for (int i = 0; i < set->count; i++)
		if (set->fds[i] == fd)
			set->fds[i--] = set->fds[--set->count];
}

/* Adds a set to those that are polled. Returns how many there are now, or -1 if there is no room. */
static int
watch(struct pollfd *polled, int count, const struct descriptor_set *set, short events)
{
	for (int i = 0; set != NULL && i < set->count; i++)
	{
		int			at = 0;

		while (at < count && polled[at].fd != set->fds[i])
			at++;
		if (at == DESCRIPTOR_SET_ROOM)
			return -1;
		if (at == count)
			polled[count++] = (struct pollfd) {.fd = set->fds[i]};
		polled[at].events |= events;
	}
	return count;
}

/* Leaves in a set those which are ready. Returns how many they are. */
static int
keep_ready(const struct pollfd *polled, int count, struct descriptor_set *set, short events)
{
	if (set == NULL)
		return 0;
	for (int i = 0; i < count; i++)
		if (!(polled[i].revents & events))
			descriptor_set_remove(polled[i].fd, set);
	return set->count;
}

#define TO_READ		(POLLIN | POLLHUP | POLLERR)
#define TO_WRITE	(POLLOUT | POLLERR)

int
select_descriptors(struct descriptor_set *read, struct descriptor_set *write, struct descriptor_set *except, const struct timeval *timeout)
{
	struct pollfd polled[DESCRIPTOR_SET_ROOM];
	int			count = watch(polled, 0, read, POLLIN);
	int			result;

	if (count >= 0)
		count = watch(polled, count, write, POLLOUT);
	if (count >= 0)
		count = watch(polled, count, except, POLLPRI);
	if (count < 0)
	{
		errno = EINVAL;
		return -1;
	}
	result = poll(polled, (nfds_t) count, timeout == NULL ? -1 : (int) (timeout->tv_sec * 1000 + (timeout->tv_usec + 999) / 1000));
	if (result < 0)
		return result;
	return keep_ready(polled, count, read, TO_READ) + keep_ready(polled, count, write, TO_WRITE) +
		keep_ready(polled, count, except, POLLPRI);
}
