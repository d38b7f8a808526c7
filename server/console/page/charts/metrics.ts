/** What /metrics says, and how it changes: Prometheus' text format (wasm/metrics/exposition.ts writes it). */

/** A metric, with a value for each combination of labels. */
export interface Metric {
  readonly name: string
  readonly help: string
  readonly isCounter: boolean
  /** By the labels, as text. */
  readonly values: ReadonlyMap<string, number>
}

/** All metrics at one time. */
export interface Sample {
  /** Seconds since 1970. */
  readonly time: number
  readonly metrics: ReadonlyMap<string, Metric>
  /** Why those of PostgreSQL are not among them. */
  readonly lack: string | undefined
}

export async function sampleNow(): Promise<Sample> {
  const response = await fetch('../../metrics')
  if (!response.ok) throw new Error(`/metrics answers with status ${response.status}`)
  const text = await response.text()
  const [, lack] = /^# (no statistics from PostgreSQL: .*)$/m.exec(text) ?? []
  return { time: Date.now() / 1000, metrics: metricsIn(text), lack }
}

export function metricsIn(text: string): Map<string, Metric> {
  const helps = new Map<string, string>()
  const counters = new Set<string>()
  const values = new Map<string, Map<string, number>>()
  for (const line of text.split('\n')) {
    const [, kind, about, rest = ''] = /^# (HELP|TYPE) (\S+) (.*)/.exec(line) ?? []
    if (kind === 'HELP') helps.set(about!, rest)
    else if (kind === 'TYPE' && rest === 'counter') counters.add(about!)
    const [, name, labels = '', value] = /^([A-Za-z_]\w*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined) continue
    if (!values.has(name)) values.set(name, new Map())
    values.get(name)!.set(labels, Number(value))
  }
  const entries = [...values].map(([name, all]) => {
    const metric = { name, help: helps.get(name) ?? name, isCounter: counters.has(name), values: all }
    return [name, metric] as const
  })
  return new Map(entries)
}

/** The values of a metric, each with the label by which they are told apart, or their sum. */
export function valuesOf(metric: Metric | undefined, by: string | undefined): Map<string, number> {
  const sums = new Map<string, number>()
  for (const [labels, value] of metric?.values ?? []) {
    const name = by === undefined ? '' : (new RegExp(`(?:^|,)${by}="([^"]*)"`).exec(labels)?.[1] ?? '')
    sums.set(name, (sums.get(name) ?? 0) + value)
  }
  return sums
}
