/*
 * abi.h: how the files of this folder say what TypeScript has to know of C: numbers, strings, and where in a structure a
 * field lies. What these are is said in other headers; the files here say which of them.
 *
 * The build compiles them for the target, calls each of their functions, and writes what they return to
 * wasm/machine/abi.ts (wasm/build/abi.ts), so that no number is typed twice. They are linked with nothing else.
 */
#ifndef ABI_H
#define ABI_H

#include <stddef.h>

/* A function for `name` in abi.ts, of which the part before a dot is the object that the rest is a property of. */
#define RETURN(name, function, type, value) \
	__attribute__((export_name(name))) type function(void); \
	type function(void) { return (value); }

#define NUMBER(name)		RETURN(#name, number_##name, double, name)
#define STRING(name)		RETURN("string " #name, string_##name, const char *, name)
#define ERRNO(name)			RETURN("errno." #name, errno_##name, double, name)

/* Of a structure by its tag, or by a type's name. */
#define SIZEOF(tag)			RETURN("sizeof." #tag, sizeof_##tag, double, sizeof(struct tag))
#define OFFSETOF(tag, field) \
	RETURN("offsetof." #tag "." #field, offsetof_##tag##_##field, double, offsetof(struct tag, field))
#define OFFSETOF_TYPE(type, field) \
	RETURN("offsetof." #type "." #field, offsetof_##type##_##field, double, offsetof(type, field))

#endif
