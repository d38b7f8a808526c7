/**
 * Outside of a Durable Object, what one request has started is of no use to another: its continuations are cut off when it
 * ends, and whoever waits for them waits for ever. The runtime does not say so by itself, but it refuses the use of another
 * request's I/O objects; so one that is of no other use tells.
 */

interface WebSocketEnd {
  readonly readyState: number
}

const { WebSocketPair } = globalThis as { WebSocketPair?: new () => Record<number, WebSocketEnd> }

/** Returns a function that throws an Error in any request that cannot use what this one has started. */
export function requireThisRequest(): () => void {
  const end = WebSocketPair === undefined ? undefined : Object.values(new WebSocketPair())[0]
  return () => {
    try {
      void end?.readyState
    } catch (cause) {
      throw new Error(
        'this server was started by another request, and can be used only there: start one in each request, or keep it in a Durable Object',
        { cause },
      )
    }
  }
}
