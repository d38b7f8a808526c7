/** Constants of PostgreSQL's protocol over WebSocket, shared by server and bridge. */

/**
 * A subprotocol (Sec-WebSocket-Protocol). The server says by text messages how many bytes of the client it has taken since the
 * beginning, in decimal. The client keeps at most WINDOW bytes under way.
 */
export const FLOW_CONTROL = 'postgresql-flow-control'

/** Bytes. */
export const WINDOW = 1 << 20

/** Status codes of Close frames: RFC 6455, section 7.4.1, and IANA's registry. */
export const CloseCode = {
  Normal: 1000,
  GoingAway: 1001,
  UnsupportedData: 1003,
  /** Never sent: an end sees it when the other has given no status. */
  NoStatus: 1005,
  PolicyViolation: 1008,
  TooBig: 1009,
  InternalError: 1011,
  TryAgainLater: 1013,
} as const
