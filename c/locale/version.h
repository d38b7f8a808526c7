/*
 * version.h: see version.c. The build writes what it declares (wasm/build/locale-data.ts).
 */
#ifndef LOCALE_VERSION_H
#define LOCALE_VERSION_H

extern const char glibc_version[];	/* "2.43" */

#endif
