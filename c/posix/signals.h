/*
 * signals.h: this process' signals, in the kernel's memory.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "kernel/kernel.h"

#define SIGNAL_BIT(n)		(1u << ((n) - 1))

extern struct signals *own_signals;

#endif
