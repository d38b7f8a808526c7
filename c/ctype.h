/*
 * ctype.h: in front of the C library's header of this name, whose macros know the letters of ASCII only. In a database with an encoding
 * of single bytes, such as LATIN1, the other half of the bytes are characters as well; locale/characters.c knows them.
 *
 * The types of ASCII's characters are the same in all locales.
 */
#include_next <ctype.h>

#ifndef OWN_CTYPE_H
#define OWN_CTYPE_H

static inline int
ctype_isalpha(int c)
{
	return (unsigned int) c < 0x80 ? ((unsigned int) c | 0x20) - 'a' < 26 : (isalpha) (c);
}

static inline int
ctype_islower(int c)
{
	return (unsigned int) c < 0x80 ? (unsigned int) c - 'a' < 26 : (islower) (c);
}

static inline int
ctype_isupper(int c)
{
	return (unsigned int) c < 0x80 ? (unsigned int) c - 'A' < 26 : (isupper) (c);
}

static inline int
ctype_isprint(int c)
{
	return (unsigned int) c < 0x80 ? (unsigned int) c - ' ' < 0x5f : (isprint) (c);
}

static inline int
ctype_isgraph(int c)
{
	return (unsigned int) c < 0x80 ? (unsigned int) c - '!' < 0x5e : (isgraph) (c);
}

#undef isalpha
#undef islower
#undef isupper
#undef isprint
#undef isgraph

#define isalpha(c) ctype_isalpha(c)
#define islower(c) ctype_islower(c)
#define isupper(c) ctype_isupper(c)
#define isprint(c) ctype_isprint(c)
#define isgraph(c) ctype_isgraph(c)

#endif
