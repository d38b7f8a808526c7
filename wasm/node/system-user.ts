/** What the system knows of the user who runs this process. In a container that can be a number without a name and a home, for which Node throws. */
import { homedir, userInfo } from 'node:os'

export const systemUserName = (): string | undefined => ifKnown(() => userInfo().username)

/** HOME, if it is set. */
export const homeFolder = (): string | undefined => ifKnown(homedir)

function ifKnown(ask: () => string): string | undefined {
  try {
    return ask()
  } catch {
    return undefined
  }
}
