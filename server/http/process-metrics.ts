/** Metrics of Node's process: CPU, resident memory, file descriptors, the event loop's delay. */
import { collectDefaultMetrics, Registry } from 'prom-client'

const registry = new Registry()
collectDefaultMetrics({ register: registry })

/** As text in Prometheus' format. */
export const processMetricsText = (): Promise<string> => registry.metrics()
