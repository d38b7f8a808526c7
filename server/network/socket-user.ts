/**
 * Finds the user at the other end of a unix socket. Node does not tell it. But if only one user can open the socket, the client is that
 * user's, or the system administrator's, who can act as any user.
 */
import { statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'

/** Permissions of users other than the owner: to write, which a client needs for the socket's file, and to search a directory. */
const TO_WRITE = 0o022
const TO_SEARCH = 0o011

/**
 * The name of the user who runs this process, if no other user can open this socket.
 *
 * @param path absolute
 */
export function onlyUserOf(path: string): string | undefined {
  const user = process.getuid?.()
  if (user === undefined) return undefined
  try {
    const closed = isClosed(path, user, TO_WRITE) || isClosed(dirname(path), user, TO_SEARCH)
    return closed ? userInfo().username : undefined
  } catch {
    return undefined // The file is gone, is an abstract address, or the system has no name for this user.
  }
}

function isClosed(path: string, user: number, permissions: number): boolean {
  const { mode, uid } = statSync(path)
  return uid === user && (mode & permissions) === 0
}
