/**
 * Outside of a Durable Object a request cannot use a server that another request has started: when a request ends, the runtime drops its
 * continuations, so the other request would wait for them for ever. The runtime does not report that. But it throws when a request uses
 * an I/O object of another request, so each server makes such an object only to detect this.
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
