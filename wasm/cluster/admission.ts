/**
 * Whether there is room for one more connection.
 *
 * PostgreSQL starts a process for each connection, also for one beyond max_connections: that process refuses the client after its
 * startup message, or after a timeout. The number of such processes is bounded here, because a flood of clients would take all
 * processes and memory.
 */

import { processType } from './process-type.js'

/**
 * Connections for which no process runs yet: enough that the postmaster always has the next one, and that several processes start at
 * once. Further clients wait in the host, where a client that goes costs no process.
 */
const QUEUE = 8

/** Processes that only refuse their client. When there are so many, max_connections has been reached. */
const REFUSING = 16

/** The part of the process table that is kept free for processes that PostgreSQL starts by itself. */
const SPARE = 1 / 16

/** PostgreSQL's name for a process that only refuses its client. */
const DEAD_END = 'dead-end backend'

export class Admission {
  /** Sockets of connections in the queue. */
  readonly #queued = new Set<number>()
  /** Slots of processes for clients that do not run yet. */
  readonly #starting = new Set<number>()
  /** Slots of processes. */
  readonly #refusing = new Set<number>()
  #living = 0
  readonly #capacity: number

  constructor(maxProcesses: number) {
    this.#capacity = maxProcesses * (1 - SPARE)
  }

  /** Whether there is no room, and a client must be refused. */
  get full(): boolean {
    return this.#refusing.size >= REFUSING || this.#living + this.#queued.size >= this.#capacity
  }

  /** Whether there is no room at the moment, and a client must wait. */
  get busy(): boolean {
    return this.#queued.size + this.#starting.size >= QUEUE
  }

  /** To be called when a connection has been queued, with its socket. */
  queued(fd: number): void {
    this.#queued.add(fd)
  }

  /** To be called when a queued connection has been closed. */
  left(fd: number): void {
    this.#queued.delete(fd)
  }

  /** @param client the socket of the process' client, or -1 */
  started(slot: number, client: number, args: readonly string[]): void {
    this.#living++
    this.#queued.delete(client)
    if (client >= 0) this.#starting.add(slot)
    if (processType(args) === DEAD_END) this.#refusing.add(slot)
  }

  running(slot: number): void {
    this.#starting.delete(slot)
  }

  ended(slot: number): void {
    this.#living--
    this.#starting.delete(slot)
    this.#refusing.delete(slot)
  }
}
