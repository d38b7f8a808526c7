/** Resolves names for processes: the host's side of `c/posix/resolver.c`, which describes the protocol. */
import type { ClientSocket } from '../machine/client-socket.js'
import { answerStrings } from './answer.js'

/** Node's errors for a name that does not exist. All others may be temporary. */
const UNKNOWN = ['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA', 'EINVAL']

/** Answers the question of a process on this connection. */
export function answerResolver(
  socket: ClientSocket,
  resolve: (question: string) => Promise<readonly string[]>,
): void {
  answerStrings(socket, question =>
    resolve(question).catch((error: { code?: string }) => (UNKNOWN.includes(error.code ?? '') ? [] : ['?'])),
  )
}
