/*
 * atomic.h: sequentially consistent operations on words that processes share.
 */
#ifndef ATOMIC_H
#define ATOMIC_H

#define load(p)					__atomic_load_n((p), __ATOMIC_SEQ_CST)
#define store(p, v)				__atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define fetch_add(p, v)			__atomic_fetch_add((p), (v), __ATOMIC_SEQ_CST)
#define fetch_or(p, v)			__atomic_fetch_or((p), (v), __ATOMIC_SEQ_CST)
#define fetch_and(p, v)			__atomic_fetch_and((p), (v), __ATOMIC_SEQ_CST)
#define exchange(p, v)			__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define compare_exchange(p, e, v) \
	__atomic_compare_exchange_n((p), (e), (v), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#endif
