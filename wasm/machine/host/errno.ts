/** Error numbers of the C library, which are WASI's, in their order from 1 on. */
const NAMES = [
  ...['E2BIG', 'EACCES', 'EADDRINUSE', 'EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EAGAIN', 'EALREADY', 'EBADF'],
  ...['EBADMSG', 'EBUSY', 'ECANCELED', 'ECHILD', 'ECONNABORTED', 'ECONNREFUSED', 'ECONNRESET', 'EDEADLK'],
  ...['EDESTADDRREQ', 'EDOM', 'EDQUOT', 'EEXIST', 'EFAULT', 'EFBIG', 'EHOSTUNREACH', 'EIDRM', 'EILSEQ'],
  ...['EINPROGRESS', 'EINTR', 'EINVAL', 'EIO', 'EISCONN', 'EISDIR', 'ELOOP', 'EMFILE', 'EMLINK', 'EMSGSIZE'],
  ...['EMULTIHOP', 'ENAMETOOLONG', 'ENETDOWN', 'ENETRESET', 'ENETUNREACH', 'ENFILE', 'ENOBUFS', 'ENODEV'],
  ...['ENOENT', 'ENOEXEC', 'ENOLCK', 'ENOLINK', 'ENOMEM', 'ENOMSG', 'ENOPROTOOPT', 'ENOSPC', 'ENOSYS'],
  ...['ENOTCONN', 'ENOTDIR', 'ENOTEMPTY', 'ENOTRECOVERABLE', 'ENOTSOCK', 'ENOTSUP', 'ENOTTY', 'ENXIO'],
  ...['EOVERFLOW', 'EOWNERDEAD', 'EPERM', 'EPIPE', 'EPROTO', 'EPROTONOSUPPORT', 'EPROTOTYPE', 'ERANGE'],
  ...['EROFS', 'ESPIPE', 'ESRCH', 'ESTALE', 'ETIMEDOUT', 'ETXTBSY', 'EXDEV'],
] as const

export type ErrnoName = (typeof NAMES)[number]

const numbers = new Map<string, number>(NAMES.map((name, index) => [name, index + 1]))
const also = (name: string, same: ErrnoName) => numbers.set(name, numbers.get(same) ?? 0)
also('EOPNOTSUPP', 'ENOTSUP')
// What Node has no name for, by Linux's numbers: a quota that is used up, a file that is gone from its server.
also('Unknown system error -122', 'EDQUOT')
also('Unknown system error -116', 'ESTALE')

/** The number of an error, for C; whatever is not known there is EIO. */
export function errno(name: string | undefined): number {
  return numbers.get(name ?? '') ?? numbers.get('EIO') ?? 0
}

/** The number of a thrown error, by its `code` as Node's errors have it. */
export function errnoOf(error: unknown): number {
  return errno((error as { code?: string }).code)
}
