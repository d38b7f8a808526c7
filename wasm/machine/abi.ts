/**
 * What TypeScript has to know of C. Made by wasm/build/abi.ts from the headers that c/abi/ names: change those, not this,
 * and then run `npm run build:wasm`.
 */
export const PAGE_SIZE = 65536
export const NPAGE = 65536
export const RING_SIZE = 65536
export const MAX_FIRST_ARGS = 1024
export const ARGS_SIZE = 65536
export const PATH_SIZE = 1024
export const HOST_SLOT = 0
export const IN_PROCESS = '@in-process'
export const RESOLVER = '@resolver'
export const INTERFACES = '@interfaces'
export const PEER_SERVICE = '@peer'
export const TLS_SERVICE = '@tls'
export const WORK_SPAWN = 1
export const WORK_KILL = 2
export const WORK_TIMER = 4
export const WORK_SOCKET = 8
export const SOCKET_OUTPUT = 1
export const SOCKET_SPACE = 2
export const SOCKET_CLOSED = 4
export const SOCKET_LISTEN = 8
export const SOCKET_CONNECT = 16
export const SOCKET_SHUTDOWN = 32
export const PROC_FREE = 0
export const PROC_RUNNING = 3
export const WAIT_WOKEN = 0
export const WAIT_TIMED_OUT = 1
export const WAIT_IMPOSSIBLE = 2
export const POLLIN = 1
export const POLLOUT = 4
export const POLLNVAL = 32
export const HOST_REALTIME = 0
export const HOST_MONOTONIC = 1
export const HOST_CPU_TIME = 2
export const STATUS_CODE_SHIFT = 8
export const STATUS_SIGNAL_MASK = 127
export const STDIN_FILENO = 0
export const STDOUT_FILENO = 1
export const STDERR_FILENO = 2
export const O_RDONLY = 0
export const O_WRONLY = 1
export const O_ACCMODE = 2097155
export const O_CREAT = 64
export const O_EXCL = 128
export const O_TRUNC = 512
export const O_APPEND = 1024
export const O_DSYNC = 4096
export const O_NOFOLLOW = 131072
export const DT_UNKNOWN = 0
export const DT_DIR = 4
export const DT_REG = 8
export const DT_LNK = 10
export const S_IFMT = 61440
export const S_IFDIR = 16384
export const S_IFREG = 32768
export const S_IFLNK = 40960
export const AF_UNIX = 1
export const AF_INET = 2
export const AF_INET6 = 10
export const SIGHUP = 1
export const SIGINT = 2
export const SIGQUIT = 3
export const SIGKILL = 9
export const SIGUSR1 = 10
export const SIGSEGV = 11
export const SIGALRM = 14
export const SIGTERM = 15

export const offsetof = {
  signals: {
    pending: 0,
  },
  address: {
    length: 0,
    storage: 4,
  },
  pollfd: {
    fd: 0,
    events: 4,
  },
  host_stat: {
    mode: 0,
    size: 8,
    device: 16,
    inode: 24,
    links: 32,
    blocks: 40,
    accessed: 48,
    modified: 56,
    changed: 64,
  },
  sockaddr_un: {
    sun_family: 0,
    sun_path: 2,
  },
  sockaddr_in: {
    sin_port: 2,
    sin_addr: 4,
  },
  sockaddr_in6: {
    sin6_port: 2,
    sin6_addr: 8,
  },
} as const

export const sizeof = {
  pollfd: 8,
  host_stat: 72,
  sockaddr_un: 110,
  sockaddr_in: 16,
  sockaddr_in6: 28,
} as const

export const errno = {
  E2BIG: 1,
  EACCES: 2,
  EADDRINUSE: 3,
  EADDRNOTAVAIL: 4,
  EAFNOSUPPORT: 5,
  EAGAIN: 6,
  EALREADY: 7,
  EBADF: 8,
  EBADMSG: 9,
  EBUSY: 10,
  ECANCELED: 11,
  ECHILD: 12,
  ECONNABORTED: 13,
  ECONNREFUSED: 14,
  ECONNRESET: 15,
  EDEADLK: 16,
  EDESTADDRREQ: 17,
  EDOM: 18,
  EDQUOT: 19,
  EEXIST: 20,
  EFAULT: 21,
  EFBIG: 22,
  EHOSTDOWN: 142,
  EHOSTUNREACH: 23,
  EIDRM: 24,
  EILSEQ: 25,
  EINPROGRESS: 26,
  EINTR: 27,
  EINVAL: 28,
  EIO: 29,
  EISCONN: 30,
  EISDIR: 31,
  ELOOP: 32,
  EMFILE: 33,
  EMLINK: 34,
  EMSGSIZE: 35,
  EMULTIHOP: 36,
  ENAMETOOLONG: 37,
  ENETDOWN: 38,
  ENETRESET: 39,
  ENETUNREACH: 40,
  ENFILE: 41,
  ENOBUFS: 42,
  ENODATA: 116,
  ENODEV: 43,
  ENOENT: 44,
  ENOEXEC: 45,
  ENOLCK: 46,
  ENOLINK: 47,
  ENOMEM: 48,
  ENOMSG: 49,
  ENONET: 119,
  ENOPROTOOPT: 50,
  ENOSPC: 51,
  ENOSYS: 52,
  ENOTCONN: 53,
  ENOTDIR: 54,
  ENOTEMPTY: 55,
  ENOTRECOVERABLE: 56,
  ENOTSOCK: 57,
  ENOTSUP: 138,
  ENOTTY: 59,
  ENXIO: 60,
  EOPNOTSUPP: 138,
  EOVERFLOW: 61,
  EOWNERDEAD: 62,
  EPERM: 63,
  EPIPE: 64,
  EPROTO: 65,
  EPROTONOSUPPORT: 66,
  EPROTOTYPE: 67,
  ERANGE: 68,
  EREMOTEIO: 147,
  EROFS: 69,
  ESHUTDOWN: 140,
  ESOCKTNOSUPPORT: 137,
  ESPIPE: 70,
  ESRCH: 71,
  ESTALE: 72,
  ETIMEDOUT: 73,
  ETXTBSY: 74,
  EXDEV: 75,
} as const

/** An address in the linear memory as the engine gives it: signed, so it has to go through `>>> 0` first. */
export type Address = number

/** What kernel.wasm exports: to processes by sys_, all else to the host (c/kernel/kernel.h). */
export interface KernelFunctions {
  sys_spawn(self: number, argv: Address, client: number, attendant: number): number
  sys_waitpid(self: number, pid: number, status: Address, block: number): number
  sys_getpid(self: number): number
  sys_getppid(self: number): number
  sys_client(self: number): number
  sys_cwd(self: number): Address
  sys_stack_limit(self: number): Address
  sys_stack_base(self: number): Address
  sys_stack_depth(self: number): number
  sys_stack_most(): number
  sys_stack_frame(): number
  sys_signals(self: number): Address
  sys_kill(self: number, pid: number, signal: number): number
  sys_sleep(self: number, ms: number): number
  sys_alarm(self: number, ms: number): number
  sys_page_alloc(self: number, bytes: number): Address
  sys_page_free(self: number, address: Address, bytes: number): void
  sys_shmget(self: number, key: number, size: number, create: number, exclusive: number): number
  sys_shmat(self: number, id: number): number
  sys_shmdt(self: number, address: Address): number
  sys_shm_remove(self: number, id: number): number
  sys_shm_stat(self: number, id: number, size: Address, attached: Address): number
  sys_sem_wait(self: number, semaphore: Address): number
  sys_sem_trywait(semaphore: Address): number
  sys_sem_post(semaphore: Address): void
  sys_pipe(self: number, ends: Address): number
  sys_pipe_read(self: number, fd: number, buffer: Address, length: number): number
  sys_pipe_write(self: number, fd: number, buffer: Address, length: number): number
  sys_socket(self: number): number
  sys_bind(self: number, fd: number, address: Address, length: number): number
  sys_listen(self: number, fd: number): number
  sys_accept(self: number, fd: number): number
  sys_connect(self: number, fd: number, address: Address, length: number): number
  sys_socket_error(fd: number): number
  sys_recv(self: number, fd: number, buffer: Address, length: number): number
  sys_send(self: number, fd: number, buffer: Address, length: number): number
  sys_shutdown(self: number, fd: number): number
  sys_direct_begin(fd: number): number
  sys_direct_end(fd: number, sent: number): void
  sys_address(self: number, fd: number, peer: number, address: Address): number
  sys_nonblock(self: number, fd: number, nonblock: number): number
  sys_poll(self: number, fds: Address, count: number, ms: number): number
  sys_close(self: number, fd: number): number
  boot(nproc: number, image_size: number, stack_depth: number, stack_frame: number): number
  work(): number
  word(): Address
  scratch(): Address
  spawn(argc: number, pid: number, attendant: number): number
  next_embryo(): number
  next_killed(): number
  attendant(slot: number): number
  image(slot: number): Address
  clear_image(slot: number): void
  argc(slot: number): number
  argv(slot: number): Address
  argument(slot: number, index: number): Address
  exited(slot: number, status: number): void
  pid(slot: number): number
  state(slot: number): number
  pages(slot: number): number
  kill(slot: number, signal: number): number
  event(slot: number): Address
  signalled(slot: number): number
  post_alarms(now: number): number
  next_socket(): number
  socket_events(fd: number): number
  move(fd: number): void
  socket_address(fd: number): Address
  listening(fd: number, error: number): void
  queue_client(listener: number): number
  connected(fd: number, error: number): number
  input_at(fd: number): Address
  input_space(fd: number): number
  input_add(fd: number, length: number): void
  input_end(fd: number, reset: number): void
  output_at(fd: number): Address
  output_size(fd: number): number
  output_take(fd: number, length: number): void
  lend(fd: number, descriptor: number): void
  flushed(fd: number): void
  sending(fd: number): number
  received(): number
  sent(): number
  release(fd: number): void
}

/** What kernel.wasm imports from `host` (c/kernel/host.h). */
export interface KernelImports {
  wait(word: Address, expected: number, ms: number, moved: number): number
  notify(word: Address): void
  now(): number
  assertion_failed(condition: Address, file: Address, line: number): void
  step(): void
}

/** What a program imports from `host` (c/host-imports.h). */
export interface HostImports {
  open(path: Address, flags: number, mode: number): number
  close(handle: number): number
  read(handle: number, buffer: Address, length: number, position: number): number
  write(handle: number, buffer: Address, length: number, position: number): number
  sync(handle: number, data_only: number): number
  truncate(handle: number, size: number): number
  stat(path: Address, follow: number, result: Address): number
  fstat(handle: number, result: Address): number
  list(path: Address, buffer: Address, size: number): number
  mkdir(path: Address, mode: number): number
  rmdir(path: Address): number
  unlink(path: Address): number
  remove_directory(path: Address): number
  rename(from: Address, to: Address): number
  copy(from: Address, to: Address): number
  link(from: Address, to: Address): number
  symlink(target: Address, path: Address): number
  readlink(path: Address, buffer: Address, size: number): number
  chmod(path: Address, mode: number): number
  chown(path: Address, owner: number, group: number): number
  utimes(path: Address, accessed: number, modified: number): number
  is_terminal(handle: number): number
  echo(handle: number, on: number): number
  clock(which: number): number
  random(buffer: Address, length: number): number
  exit(status: number): void
  environment(buffer: Address, size: number): number
  kill(pid: number, signal: number): number
  group(name: Address): number
  yield(): number
  notify_state(state: Address): void
  module_size(module: Address): number
  module_needed(module: Address, index: number, buffer: Address, size: number): number
  module_load(module: Address, memory: Address): void
  module_symbol(module: Address, name: Address): Address
}

/** What a program imports from `env` for the bytes of its client (c/pglite-comm-imports.h). */
export interface ClientImports {
  pglite_js_read(buffer: Address, max_length: number): number
  pglite_js_write(buffer: Address, length: number): number
}
