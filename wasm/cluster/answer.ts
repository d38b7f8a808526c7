/** A question of a process that is a text, and its answer of several texts: each ends with a NUL. See `c/posix/ask.c`. */
import type { ClientSocket } from '../machine/client-socket.js'

/** Longest question in characters; a name in the DNS has 253 at most. */
const LONGEST = 1024

/** Answers the question of a process on this connection. Its question is the socket's output, the answer is input. */
export function answerStrings(
  socket: ClientSocket,
  answer: (question: string) => Promise<readonly string[]>,
): void {
  let question = ''
  const read = async () => {
    for (const chunk of socket.getOutput()) question += new TextDecoder().decode(chunk)
    const end = question.indexOf('\0')
    if (end < 0 && question.length < LONGEST) return
    socket.onOutput = () => {}
    const texts = await answer(question.slice(0, end))
    socket.setInput(new TextEncoder().encode(texts.map(text => `${text}\0`).join('')))
    socket.endInput()
  }
  socket.onOutput = () => void read()
  socket.onClose = () => socket.release()
}
