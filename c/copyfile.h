/*
 * copyfile.h: a function of macOS. PostgreSQL calls it for file_copy_method = clone, if configure finds it; see
 * posix/copyfile.c.
 */
#ifndef COPYFILE_H
#define COPYFILE_H

#define COPYFILE_CLONE_FORCE	(1 << 25)

extern int	copyfile(const char *from, const char *to, void *state, unsigned flags);

#endif
