/** What the host knows of a server without asking PostgreSQL, for metrics. */
import type { Cluster } from '../../wasm/cluster/cluster.js'
import { processType } from '../../wasm/cluster/process-type.js'
import type { ServerStatus } from '../../wasm/metrics/metrics.js'
import type { Network } from '../network/network.js'

export function statusOf(cluster: Cluster, network: Network): ServerStatus {
  const { open, ...counted } = network.statistics
  return {
    ...cluster.traffic,
    ...counted,
    connections: open,
    memory: cluster.memory.buffer.byteLength,
    processes: [...cluster.processes()].map(({ pid, args, memory }) => ({
      pid,
      memory,
      type: processType(args),
    })),
  }
}
