/** What all parts of the page share: who is logged in, and the two sessions. */
import { computed, signal } from '@preact/signals'
import { type Identity, PasswordWanted } from './connection/login.js'
import { Observer } from './connection/observer.js'
import { Session, type TransactionStatus } from './connection/session.js'

/** Undefined before the login. */
export const identity = signal<Identity | undefined>(undefined)
export const session = signal<Session | undefined>(undefined)
export const observer = computed(() => identity.value && new Observer(identity.value))
export const transaction = signal<TransactionStatus>('idle')
/** Why the editor's session has ended. */
export const lost = signal<string | undefined>(undefined)
/** What the login form proposes. */
export const proposed = signal<Identity>({ user: '', database: '', password: '' })
/** Why there is no session: undefined while there is one, or the first login is under way. */
export const loginMessage = signal<string | undefined>(undefined)
/** Whether a login is under way. */
export const connecting = signal(true)
/** Counts changes of tables and the like by the editor. */
export const catalogChanges = signal(0)

/** Asks the server for its proposal, and tries whether it lets the page in without a password. */
export async function begin(): Promise<void> {
  const response = await fetch('login.json')
  if (!response.ok) {
    loginMessage.value = await response.text()
    connecting.value = false
    return
  }
  const { user, database } = (await response.json()) as { user: string; database: string }
  await logIn({ user, database, password: '' })
}

/** Opens a session, and shows the login form if that fails. */
export async function logIn(wanted: Identity): Promise<void> {
  proposed.value = { ...wanted, password: '' }
  connecting.value = true
  try {
    const opened = await Session.open(wanted)
    observer.value?.close()
    session.value?.close()
    identity.value = wanted
    use(opened)
    loginMessage.value = undefined
  } catch (error) {
    loginMessage.value = error instanceof PasswordWanted ? '' : (error as Error).message
  } finally {
    connecting.value = false
  }
}

/** A session for the next statement: a new one if the last has ended. @throws as Session.open() */
export async function liveSession(): Promise<Session> {
  const current = session.value
  if (current !== undefined && !current.ended) return current
  const opened = await Session.open(identity.value!)
  use(opened)
  return opened
}

function use(opened: Session): void {
  session.value = opened
  transaction.value = 'idle'
  lost.value = undefined
  opened.onStatus = status => {
    transaction.value = status
  }
  opened.onEnd = reason => {
    if (session.value === opened) lost.value = reason
  }
}
