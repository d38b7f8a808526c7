/*
 * terminal.c: terminals, as far as PostgreSQL's clients know them: psql asks whether it talks to one, and passwords are
 * read without showing them.
 */
#include "descriptors.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <wasi/api.h>
#include "host-imports.h"

/* How the terminal treats what the user types. This belongs to the terminal, not to a descriptor. */
static tcflag_t local_modes = ISIG | ICANON | ECHO | IEXTEN;

static int
is_terminal(int fd)
{
	struct file *file = IS_KERNEL_FD(fd) ? NULL : descriptor_file(fd);

	return file != NULL && file->handle >= 0 && file->path == NULL && host_is_terminal(file->handle);
}

static int
set_modes(int fd, tcflag_t modes)
{
	int			result = 0;

	if ((modes & ECHO) != (local_modes & ECHO))
		result = host_echo(descriptor_file(fd)->handle, (modes & ECHO) != 0);
	if (result == 0)
		local_modes = modes;
	return result;
}

int
__syscall_ioctl(int fd, int request, ...)
{
	va_list		args;
	void	   *argument;

	if (!is_terminal(fd))
		return -ENOTTY;
	va_start(args, request);
	argument = va_arg(args, void *);
	va_end(args);
	switch (request)
	{
		case TCGETS:
			memset(argument, 0, sizeof(struct termios));
			((struct termios *) argument)->c_lflag = local_modes;
			return 0;
		case TCSETS:
		case TCSETSW:
		case TCSETSF:
			return set_modes(fd, ((struct termios *) argument)->c_lflag);
		case TIOCGWINSZ:		/* of unknown size; psql believes COLUMNS first */
			memset(argument, 0, sizeof(struct winsize));
			return 0;
		default:
			return -EINVAL;
	}
}

/* Asked by isatty(), to which all character devices are terminals. */
__wasi_errno_t
__wasi_fd_fdstat_get(__wasi_fd_t fd, __wasi_fdstat_t *result)
{
	memset(result, 0, sizeof(*result));
	if (is_terminal((int) fd))
		result->fs_filetype = __WASI_FILETYPE_CHARACTER_DEVICE;
	return IS_KERNEL_FD((int) fd) || descriptor_file((int) fd) != NULL ? 0 : EBADF;
}
