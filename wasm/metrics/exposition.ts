/** Prometheus' text format (prometheus.io/docs/instrumenting/exposition_formats), version 0.0.4. */

export type MetricType = 'counter' | 'gauge'

/** A value, and the labels that tell it from others of the same metric. */
export type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** A metric with all its values. */
export function metricText(type: MetricType, name: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labelsText(labels)} ${value}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const texts = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`)
  return texts.length === 0 ? '' : `{${texts.join(',')}}`
}

const escaped = (value: string) =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
