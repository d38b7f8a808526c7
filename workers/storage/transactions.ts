/**
 * Whether the closure of a `ctx.storage.transaction()` is being executed: what is written meanwhile goes when it throws, and
 * sync() does not wait for its end. A storage does not tell, so its method is replaced by one that counts.
 */
import type { ObjectStorage } from './object-storage.js'

interface Open {
  count: number
}

const watched = new WeakMap<ObjectStorage, Open>()

/** Returns a function that says whether there is an open transaction of this storage. */
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
