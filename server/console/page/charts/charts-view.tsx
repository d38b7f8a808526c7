/** Live charts of what /metrics has. */
import { useEffect, useState } from 'preact/hooks'
import { Page } from '../parts/page.js'
import { ChartView, SPAN } from './chart-view.js'
import { CHARTS, type Chart, chartOf } from './charts.js'
import { type Sample, sampleNow } from './metrics.js'

const INTERVAL = 2000

export function ChartsView({ active }: { active: boolean }) {
  const [samples, setSamples] = useState<readonly Sample[]>([])
  const [added, setAdded] = useState<readonly Chart[]>([])
  const [error, setError] = useState<string>()
  useEffect(() => {
    if (!active) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let stopped = false
    const look = async () => {
      try {
        if (document.visibilityState === 'visible') {
          const sample = await sampleNow()
          if (stopped) return
          setSamples(before => [
            ...before.filter(({ time }) => time > sample.time - SPAN - INTERVAL / 1000),
            sample,
          ])
        }
        setError(undefined)
      } catch (failure) {
        setError((failure as Error).message)
      }
      if (!stopped) timer = setTimeout(look, INTERVAL)
    }
    void look()
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }, [active])
  const newest = samples.at(-1)
  const add = (name: string) => {
    if (newest !== undefined && name !== '') setAdded([...added, chartOf(name, newest)])
  }
  return (
    <Page error={error ?? newest?.lack}>
      <div class="heading">
        <label>
          Add a chart of{' '}
          <select value="" onChange={event => add(event.currentTarget.value)}>
            <option value="">a metric …</option>
            {[...(newest?.metrics.keys() ?? [])].map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="charts">
        {added.map(chart => (
          <ChartView
            key={chart.metrics[0]![0]}
            {...{ chart, samples }}
            remove={() => setAdded(added.filter(each => each !== chart))}
          />
        ))}
        {CHARTS.map(chart => (
          <ChartView key={chart.title} {...{ chart, samples }} />
        ))}
      </div>
    </Page>
  )
}
