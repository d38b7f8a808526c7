/**
 * What abuse must not do: a session that was there before goes on, new ones are served, no process has crashed, and what
 * the abuse took is given back.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type pg from 'pg'
import { expect } from 'vitest'
import type { ServerProcess } from '../server.js'
import { until } from '../until.js'

/** `ABUSE=long` does everything for longer: how much of it, in the short and in the long form. */
export function amount(short: number, long: number): number {
  return process.env.ABUSE === 'long' ? long : short
}

/** Milliseconds to wait for what was abused to be as it was; on a busy machine the processes alone take minutes to start. */
const RECOVERY = 240_000

/** What PostgreSQL's log says when a process has crashed. */
const CRASH =
  /PANIC|was terminated by (signal|exception)|terminating any other active server processes|thread ended/

export class Witness {
  readonly #server: ServerProcess
  readonly #session: pg.Client
  readonly #backend: number
  readonly #sockets: number

  static async of(server: ServerProcess): Promise<Witness> {
    const session = await server.connect({ application_name: 'witness' })
    const { rows } = await session.query('select pg_backend_pid() as pid')
    return new Witness(server, session, rows[0].pid)
  }

  private constructor(server: ServerProcess, session: pg.Client, backend: number) {
    this.#server = server
    this.#session = session
    this.#backend = backend
    this.#sockets = socketsOf(server.pid)
  }

  /** The session answers, and is still the same; so nothing has crashed, which would have ended it. */
  async isServed(): Promise<void> {
    const { rows } = await this.#session.query('select pg_backend_pid() as pid')
    expect(rows[0].pid).toBe(this.#backend)
    expect(this.#server.log).not.toMatch(CRASH)
  }

  /** So does a new one, in the end: those who come first may have to leave first. */
  async othersAreServed(): Promise<void> {
    await until(
      'a new client is served',
      async () => {
        const client = await this.#server.connect().catch(() => undefined)
        if (client === undefined) return false
        expect((await client.query('select 6 * 7 as answer')).rows).toEqual([{ answer: 42 }])
        await client.end()
        return true
      },
      RECOVERY,
    )
  }

  /** Nobody else is connected, and no process is left of those who were. */
  async isAlone(): Promise<void> {
    await until(
      'all others are gone',
      async () => {
        const { rows } = await this.#session.query(
          "select count(*)::int as count from pg_stat_activity where backend_type = 'client backend'",
        )
        return rows[0].count === 1 && socketsOf(this.#server.pid) <= this.#sockets
      },
      RECOVERY,
    )
  }

  /** What the server has resident, in MB. */
  memory(): number {
    const status = readFileSync(`/proc/${this.#server.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024
  }

  /** All of that. */
  async check(): Promise<void> {
    await this.isServed()
    await this.othersAreServed()
    await this.isAlone()
  }
}

/** Sockets of a process, listening ones and those to its parent included. */
function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')
    } catch {
      return false // It has been closed meanwhile.
    }
  }).length
}
