/** What both ends of PostgreSQL's protocol over WebSocket have to agree on. */

/**
 * A subprotocol (Sec-WebSocket-Protocol) in which the server tells by text messages how many bytes of the client's it has
 * taken since the beginning, in decimal. The client has no more than WINDOW bytes under way.
 */
export const FLOW_CONTROL = 'postgresql-flow-control'

/** In bytes. */
export const WINDOW = 1 << 20

/** RFC 6455, section 7.4.1, and the registry of status codes. */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  UnsupportedData: 1003,
  /** Not sent: what an end sees when the other has named none. */
  NoStatus: 1005,
  PolicyViolation: 1008,
  TooBig: 1009,
  InternalError: 1011,
  TryAgainLater: 1013,
} as const
