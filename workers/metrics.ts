/** Metrics of a server in an object, for its operators. */
import { pagesOf } from '../embedded/host.js'
import type { OnDemandServer } from '../embedded/on-demand.js'
import { PAGE_SIZE } from '../wasm/machine/abi.js'
import { type ObjectStatus, objectMetricsText, type ServerStatus } from '../wasm/metrics/metrics.js'
import { type Answer, FRESH, inTime, type Statistics } from '../wasm/metrics/statistics.js'
import { type ClusterOptions, MAX_SIZE } from './cluster.js'
import type { Queries } from './queries.js'

/** Counts begin at createPostgres(), so they begin anew when an object has been evicted. */
export interface Metrics extends ServerStatus, ObjectStatus {
  /** Rows of PostgreSQL's statistics views; undefined while the server is suspended, or when PostgreSQL does not answer. */
  readonly statistics?: Statistics | undefined
  /** Why there are no statistics although the server runs. */
  readonly error?: string | undefined
}

/** Metrics as text for Prometheus, of the content type METRICS_TYPE. */
export function metricsText(metrics: Metrics): string {
  const { statistics, error = 'the server has no statistics' } = metrics
  const answer: Answer = statistics === undefined ? { error } : { statistics }
  return objectMetricsText(metrics, metrics.running ? answer : undefined)
}

export class ObjectMetrics {
  readonly #server: OnDemandServer
  readonly #queries: Queries
  readonly #options: ClusterOptions
  #answer: Promise<Answer> | undefined
  /** When PostgreSQL has answered; undefined before that. */
  #answered: number | undefined

  constructor(server: OnDemandServer, queries: Queries, options: ClusterOptions) {
    this.#server = server
    this.#queries = queries
    this.#options = options
  }

  /** Asks PostgreSQL for statistics if the server runs. A suspended server is not started. */
  async read(): Promise<Metrics> {
    const running = this.#server.running !== undefined
    const answer = running ? await this.#statistics() : {}
    const { storage, maxSize = MAX_SIZE, maxMemory } = this.#options
    const processes = this.#server.running?.processMemory ?? []
    return {
      ...this.#server.counts,
      ...answer,
      running: this.#server.running !== undefined,
      starts: this.#server.starts,
      connections: processes.filter(({ type }) => type === 'backend').length,
      processes,
      memory: this.#server.memory.buffer.byteLength,
      maxMemory: pagesOf(maxMemory) * PAGE_SIZE,
      storage: storage?.sql.databaseSize,
      maxSize: storage && maxSize,
    }
  }

  /** Asks one question at a time, and uses its answer for a while. */
  #statistics(): Promise<Answer> {
    if (this.#answered !== undefined && Date.now() - this.#answered >= FRESH) this.#answer = undefined
    this.#answer ??= this.#ask()
    return this.#answer
  }

  async #ask(): Promise<Answer> {
    this.#answered = undefined
    try {
      return { statistics: await inTime(this.#queries.statistics()) }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    } finally {
      this.#answered = Date.now()
    }
  }
}
