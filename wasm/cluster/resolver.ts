/** Resolves names for processes: the host's side of `c/posix/resolver.c`, which describes the protocol. */
import type { ClientSocket } from '../machine/client-socket.js'

/** Longest question in characters; a name in the DNS has 253 at most. */
const LONGEST = 1024

/** Node's errors for a name that does not exist. All others may be temporary. */
const UNKNOWN = ['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA', 'EINVAL']

/** Answers the question of a process on this connection. Its question is the socket's output, the answer is input. */
export function answerResolver(
  socket: ClientSocket,
  resolve: (question: string) => Promise<readonly string[]>,
): void {
  let question = ''
  const read = async () => {
    for (const chunk of socket.getOutput()) question += new TextDecoder().decode(chunk)
    const end = question.indexOf('\0')
    if (end < 0 && question.length < LONGEST) return
    socket.onOutput = () => {}
    const answer = await resolve(question.slice(0, end)).catch((error: { code?: string }) =>
      UNKNOWN.includes(error.code ?? '') ? [] : ['?'],
    )
    socket.setInput(new TextEncoder().encode(answer.map(text => `${text}\0`).join('')))
    socket.endInput()
  }
  socket.onOutput = () => void read()
  socket.onClose = () => socket.release()
}
