/*
 * signal-check.h: how a process that computes notices signals; included by PostgreSQL's miscadmin.h (patches/0002).
 */
#ifndef SIGNAL_CHECK_H
#define SIGNAL_CHECK_H

#include <stdint.h>

/* This word is not 0 when there may be signals for which to call signals_dispatch(). */
extern const volatile uint32_t *pending_signals;

extern void signals_dispatch(void);

#endif
