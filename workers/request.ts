/**
 * Outside of a Durable Object one request cannot use what another has started: the runtime drops a request's continuations when it
 * ends, so another would wait for them for ever. The runtime does not report that, but it throws when a request uses an I/O object of
 * another. So each server has such an object only to detect it.
 */

interface WebSocketEnd {
  readonly readyState: number
}

const { WebSocketPair } = globalThis as { WebSocketPair?: new () => Record<number, WebSocketEnd> }

/** Returns a function that throws an Error if it is called in a request that cannot use what this one has started. */
export function requireThisRequest(): () => void {
  const end = WebSocketPair === undefined ? undefined : Object.values(new WebSocketPair())[0]
  return () => {
    try {
      void end?.readyState
    } catch (cause) {
      throw new Error(
        'another request has started this server, and only that one can use it: start a server in each request, or use a Durable Object',
        { cause },
      )
    }
  }
}
