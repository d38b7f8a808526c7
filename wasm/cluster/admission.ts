/**
 * Whether there is room for one more connection.
 *
 * PostgreSQL starts a process for each, even for one too many: that one refuses the client once it has said who it is, or
 * does not in time. So that is bounded here, or a flood of clients would take all processes and memory there are.
 */

import { processType } from './process-type.js'

/** Connections that the postmaster has yet to start a process for; others wait until it has come so far. */
const QUEUE = 32

/** Processes that are there to refuse one client each. Where there are as many, all slots are taken. */
const REFUSING = 16

/** The part of the process table that is left to what PostgreSQL starts by itself. */
const SPARE = 1 / 16

/** What PostgreSQL calls a process that will refuse its client. */
const DEAD_END = 'dead-end backend'

export class Admission {
  /** Sockets of connections in the queue. */
  readonly #queued = new Set<number>()
  /** Slots of processes. */
  readonly #refusing = new Set<number>()
  #living = 0
  readonly #capacity: number

  constructor(maxProcesses: number) {
    this.#capacity = maxProcesses * (1 - SPARE)
  }

  /** There is no room, and none to be expected soon. */
  get full(): boolean {
    return this.#refusing.size >= REFUSING || this.#living + this.#queued.size >= this.#capacity
  }

  /** There is no room at the moment. */
  get busy(): boolean {
    return this.#queued.size >= QUEUE
  }

  /** A connection has been queued, by its socket. */
  queued(fd: number): void {
    this.#queued.add(fd)
  }

  /** A queued connection's client has left, or it has been closed. */
  left(fd: number): void {
    this.#queued.delete(fd)
  }

  /** @param client the socket of the process' client, or -1 */
  started(slot: number, client: number, args: readonly string[]): void {
    this.#living++
    this.#queued.delete(client)
    if (processType(args) === DEAD_END) this.#refusing.add(slot)
  }

  ended(slot: number): void {
    this.#living--
    this.#refusing.delete(slot)
  }
}
