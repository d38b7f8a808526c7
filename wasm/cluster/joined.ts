/** Joins two connections, each of a process on a machine of its own: what one process writes the other reads, without a network. */
import type { ClientSocket } from '../machine/client-socket.js'

export function join(a: ClientSocket, b: ClientSocket): void {
  const [toB, toA] = [passing(a, b), passing(b, a)]
  a.onSpace = toA
  b.onSpace = toB
  toB()
  toA()
}

/** Passes on what the process at `from` writes while the one at `to` has room for it. Returns a function for when there is room again. */
function passing(from: ClientSocket, to: ClientSocket): () => void {
  let full = false
  const pass = () => {
    full = false
    for (const chunk of from.getOutput()) {
      full = !to.setInput(chunk)
      if (full) break
    }
    if (from.outputEnded) to.endInput()
  }
  from.onOutput = () => {
    if (!full) pass()
  }
  from.onShutdown = from.onOutput
  from.onClose = () => {
    for (const chunk of from.getOutput()) to.setInput(chunk)
    to.endInput()
    from.release()
  }
  return pass
}
