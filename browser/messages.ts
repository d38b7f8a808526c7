/** What the tabs of a cluster say to each other. */

/** On the cluster's channel. */
export type Announcement =
  /** A client wants a connection. The owner answers on the connection's channel. */
  | { readonly type: 'connect'; readonly client: string; readonly connection: string }
  /** There is an owner who takes connections: clients without an answer ask again. */
  | { readonly type: 'owner' }

/** Why a connection has ended, if not by its backend. */
export interface Failure {
  readonly message: string
  /** SQLSTATE, or a name such as ECONNREFUSED. */
  readonly code?: string | undefined
}

/** On a connection's channel, which has two ends. */
export type ConnectionMessage =
  /** The owner with this id has accepted the connection. */
  | { readonly type: 'open'; readonly owner: string }
  | { readonly type: 'data'; readonly bytes: Uint8Array }
  /** The sender has passed on so many bytes of what it got. */
  | { readonly type: 'taken'; readonly count: number }
  /** The client sends no more. */
  | { readonly type: 'end' }
  /** The client is gone. */
  | { readonly type: 'reset' }
  /** The backend has ended. */
  | { readonly type: 'closed'; readonly failure?: Failure | undefined }

/** An end sends no more data when the other end has not passed on so many bytes of what it got. */
export const WINDOW = 256 * 1024

/** A message with these bytes. The browser would copy all of the memory that they are a part of. */
export function data(bytes: Uint8Array): ConnectionMessage {
  return { type: 'data', bytes: bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice() }
}
