/** The connection of a pooled session to the server. While the pool does not use the session, it does not keep the server running. */
import type { OnDemandServer } from '../embedded/on-demand.js'
import type { EmbeddedServer } from '../embedded/server.js'
import { InProcessSocket } from '../wasm/cluster/in-process.js'
import type { ClientSocket } from '../wasm/machine/client-socket.js'
import type { Line } from '../wasm/queries/session.js'

/** @param connect makes the backend's connection */
export function lineTo(server: OnDemandServer, connect: (server: EmbeddedServer) => ClientSocket): Line {
  const { clients } = server
  let other: EmbeddedServer | undefined
  const stream = new InProcessSocket(async () => {
    other = await server.reach()
    return connect(other)
  })
  clients.add(stream, reason => stream.finish(reason))
  stream.once('close', () => clients.remove(stream))
  return {
    stream,
    get usable() {
      return other !== undefined && server.running === other
    },
    wake() {
      clients.wake(stream)
      other?.resume()
    },
    rest: () => clients.rest(stream),
  }
}
