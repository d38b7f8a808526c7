/*
 * abi.h: macros by which the files of this folder list what TypeScript has to know of C: numbers, strings, and where in a
 * structure a field lies. Other headers define these; the files here only say which of them TypeScript needs.
 *
 * The build compiles the files for the target, calls each of their functions, and writes the results to
 * wasm/machine/abi.ts and postgres-abi.ts (wasm/build/abi.ts), so that no number is typed twice. It links them with nothing else.
 */
#ifndef ABI_H
#define ABI_H

#include <stddef.h>

/* A function that returns the value of `name` in those files. With a dot, `name` is a property of an object: "errno.EIO". */
#define RETURN(name, function, type, value) \
	__attribute__((export_name(name))) type function(void); \
	type function(void) { return (value); }

#define NUMBER(name)		RETURN(#name, number_##name, double, name)
#define STRING(name)		RETURN("string " #name, string_##name, const char *, name)
#define ERRNO(name)			RETURN("errno." #name, errno_##name, double, name)

/* SIZEOF and OFFSETOF take a structure's tag, SIZEOF_TYPE and OFFSETOF_TYPE the name of a type. */
#define SIZEOF(tag)			RETURN("sizeof." #tag, sizeof_##tag, double, sizeof(struct tag))
#define SIZEOF_TYPE(type)	RETURN("sizeof." #type, sizeof_##type, double, sizeof(type))
#define OFFSETOF(tag, field) \
	RETURN("offsetof." #tag "." #field, offsetof_##tag##_##field, double, offsetof(struct tag, field))
#define OFFSETOF_TYPE(type, field) \
	RETURN("offsetof." #type "." #field, offsetof_##type##_##field, double, offsetof(type, field))

#endif
