/*
 * signals.h: this process' signals, as the kernel keeps them.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "kernel/kernel.h"

#define SIGNAL_BIT(n)		(1u << ((n) - 1))

extern struct signals *own_signals;

#endif
