/** Name resolution for processes: the host's side of `c/posix/resolver.c`, where the protocol is told. */
import type { ClientSocket } from '../machine/client-socket.js'

/** The longest question there can be: a name of the DNS has 253 characters. */
const LONGEST = 1024

/** Errors by which Node says that there is no such name; all others may pass. */
const UNKNOWN = ['ENOTFOUND', 'EAI_NONAME', 'EAI_NODATA', 'EINVAL']

/** Answers the question that comes by this connection. Input and output are as the process sees them. */
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
