/**
 * Knows whether the closure of a `ctx.storage.transaction()` runs at the moment. If the closure throws, the storage undoes all that was
 * written meanwhile; and sync() does not wait for its end. The storage does not tell of open transactions, so this file replaces its
 * method by one that counts them.
 */
import type { ObjectStorage } from './object-storage.js'

interface Open {
  count: number
}

const watched = new WeakMap<ObjectStorage, Open>()

/** Returns a function that says whether the storage has an open transaction. */
export function watchTransactions(storage: ObjectStorage): () => boolean {
  const open = watched.get(storage) ?? watch(storage)
  return () => open.count > 0
}

function watch(storage: ObjectStorage): Open {
  const open: Open = { count: 0 }
  watched.set(storage, open)
  const transaction = storage.transaction?.bind(storage)
  if (transaction === undefined) return open
  storage.transaction = async closure => {
    open.count++
    try {
      return await transaction(closure)
    } finally {
      open.count--
    }
  }
  return open
}
