/** The user to whom a data directory belongs. Native PostgreSQL opens a directory only if this user runs it. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { StartupError } from '../../wasm/cluster/startup-error.js'
import { artefactsFolder } from '../../wasm/node/artefacts.js'

/** Node's types lack these. */
const { initgroups } = process as unknown as { initgroups(uid: number, gid: number): void }

interface Owner {
  readonly uid: number
  readonly gid: number
  /** The user for messages: his number, and his name if he has one on this machine. */
  readonly shown: string
}

/** The owner of a directory; undefined if that is the user of this process, or cannot be found out. */
function otherOwner(path: string): Owner | undefined {
  const own = process.geteuid?.()
  const found = statOf(path)
  if (own === undefined || found === undefined || found.uid === own) return undefined
  return { ...found, shown: shown(found.uid) }
}

function statOf(path: string): { uid: number; gid: number } | undefined {
  try {
    const { uid, gid } = statSync(path)
    return { uid, gid }
  } catch {
    return undefined
  }
}

function shown(uid: number): string {
  const name = nameOf(uid)
  return name === undefined ? `user ${uid}` : `user ${uid} (${name})`
}

function nameOf(uid: number): string | undefined {
  try {
    return new RegExp(`^([^:]+):[^:]*:${uid}:`, 'm').exec(readFileSync('/etc/passwd', 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Why this process may not access a directory, as the end of a message. */
export function denial(path: string): string {
  const owner = otherOwner(path)
  if (owner === undefined) return 'permission denied'
  const { uid } = owner
  return `it belongs to ${owner.shown}, and this is ${shown(process.geteuid!())}: run this as that user (sudo -u '#${uid}' …, docker run --user ${uid} …), or as root with --as-owner`
}

/** A warning for root, who runs a server on another user's directory. */
export function ownerNote(path: string): string | undefined {
  const owner = process.geteuid?.() === 0 ? otherOwner(path) : undefined
  return (
    owner &&
    `"${path}" belongs to ${owner.shown}, and new files in it will belong to root, so that native PostgreSQL cannot open it: --as-owner makes this process run as that user`
  )
}

/**
 * Makes this process run as the user to whom a directory belongs, for good.
 *
 * @throws StartupError when this process may not change its user, or that user cannot read the package
 */
export function becomeOwner(path: string): void {
  if (statOf(path) === undefined)
    throw new StartupError(`"${path}" has no owner to run as: it does not exist`, 'ENOENT')
  const owner = otherOwner(path)
  if (owner === undefined) return
  if (process.geteuid?.() !== 0)
    throw new StartupError(`only root can run as ${owner.shown}, to whom "${path}" belongs`, 'EPERM')
  const { uid, gid } = owner
  try {
    initgroups.call(process, uid, gid)
  } catch {
    process.setgroups!([gid]) // The user has no name here.
  }
  process.setgid!(gid)
  process.setuid!(uid)
  try {
    accessSync(artefactsFolder(), constants.R_OK | constants.X_OK)
  } catch {
    throw new StartupError(
      `${owner.shown}, to whom "${path}" belongs, cannot read ${artefactsFolder()}: install the package where all users can read it`,
      'EACCES',
    )
  }
}
