/** One chart, drawn by uPlot; its legend, with the newest values, is text that screen readers read. */
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { type Chart, linesOf } from './charts.js'
import type { Sample } from './metrics.js'

const HEIGHT = 150
/** Seconds that a chart shows. */
export const SPAN = 300
const COLOURS = 8
/** How far apart the lines of the grid may be where values are bytes. */
const POWERS = Array.from({ length: 45 }, (_, power) => 2 ** power)

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

export function ChartView({
  chart,
  samples,
  remove,
}: {
  chart: Chart
  samples: readonly Sample[]
  remove?: (() => void) | undefined
}) {
  const host = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const lines = linesOf(chart, samples)
  const names = lines.map(({ label }) => label).join('\n')
  useEffect(() => {
    const element = host.current!
    const labels = names === '' ? [] : names.split('\n')
    const made = new uPlot(optionsOf(chart, labels, element.clientWidth), [[]], element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }))
    observer.observe(element)
    const scheme = matchMedia('(prefers-color-scheme: dark)')
    const redraw = () => made.redraw(false)
    scheme.addEventListener('change', redraw)
    return () => {
      observer.disconnect()
      scheme.removeEventListener('change', redraw)
      made.destroy()
    }
  }, [chart, names])
  useEffect(() => {
    const now = samples.at(-1)?.time ?? Date.now() / 1000
    plot.current?.setData([samples.map(({ time }) => time), ...lines.map(({ values }) => [...values])], false)
    plot.current?.setScale('x', { min: now - SPAN, max: now })
  })
  return (
    <figure class="chart">
      <figcaption>
        <h2>{chart.title}</h2>
        {remove !== undefined && (
          <button type="button" class="small" aria-label={`Remove ${chart.title}`} onClick={remove}>
            Remove
          </button>
        )}
      </figcaption>
      <div ref={host} aria-hidden="true" />
      <ul class="legend">
        {lines.map(({ label, values }, index) => (
          <li key={label}>
            <span class={`key series-${index % COLOURS}`} aria-hidden="true" /> {label}{' '}
            <b>{values.at(-1) == null ? '–' : chart.unit(values.at(-1)!)}</b>
          </li>
        ))}
      </ul>
    </figure>
  )
}

function optionsOf(chart: Chart, names: readonly string[], width: number): uPlot.Options {
  const axis = {
    stroke: () => colour('--muted'),
    grid: { stroke: () => colour('--grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  }
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { x: { time: true }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      { ...axis, space: 40, size: 26, values: (_, times) => times.map(timeOfDay) },
      {
        ...axis,
        size: 62,
        space: 28,
        ...(chart.isBytes && { incrs: POWERS }),
        values: (_, values) => values.map(value => chart.unit(value)),
      },
    ],
    series: [
      {},
      ...names.map((label, index) => ({
        label,
        stroke: () => colour(`--series-${index % COLOURS}`),
        width: 1.5,
        points: { show: false },
        spanGaps: false,
      })),
    ],
  }
}

function timeOfDay(seconds: number): string {
  const time = new Date(seconds * 1000).toLocaleTimeString('en-GB')
  return time.endsWith(':00') ? time.slice(0, 5) : time.slice(3)
}
