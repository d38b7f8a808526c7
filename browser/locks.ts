/** Locks that one tab at a time holds, and that the browser releases when the tab has gone, however that was. */

/** Takes a lock if it is free. Returns a function that releases it; undefined if another holds it. */
export function takeIfFree(name: string): Promise<(() => void) | undefined> {
  return request(name, { ifAvailable: true })
}

/** Takes a lock when it is free. @param signal gives up waiting: then the promise rejects */
export async function take(name: string, signal?: AbortSignal): Promise<() => void> {
  return (await request(name, signal === undefined ? {} : { signal }))!
}

/** Calls `gone` when nobody holds a lock any more, unless `signal` is aborted before. */
export function watch(name: string, signal: AbortSignal, gone: () => void): void {
  void navigator.locks.request(name, { mode: 'shared', signal }, gone).catch(() => {
    // Nobody watches any more.
  })
}

function request(name: string, options: LockOptions): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, options, lock => {
        if (lock === null) return resolve(undefined)
        return new Promise<void>(release => resolve(release))
      })
      .catch(reject)
  })
}
