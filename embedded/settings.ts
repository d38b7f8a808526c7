/** PostgreSQL's settings for an embedded server. */

import type { Settings } from '../wasm/cluster/settings.js'

/** Settings for a small memory and a single thread. */
export const SMALL: Settings = {
  max_connections: '20',
  shared_buffers: '2MB',
  wal_buffers: '256kB',
  transaction_buffers: '128kB',
  multixact_member_buffers: '128kB',
  serializable_buffers: '128kB',
  maintenance_work_mem: '8MB',
  min_wal_size: '2MB',
  max_wal_size: '16MB',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_replication_slots: '0',
  max_logical_replication_workers: '0',
  max_worker_processes: '0',
  max_parallel_workers: '0',
  // One thread runs all processes, so nothing is gained if one of them writes for another: without it there is one process less.
  bgwriter_lru_maxpages: '0',
  autovacuum_worker_slots: '1',
  autovacuum_max_workers: '1',
  // A statement whose client has gone should not keep the only thread busy.
  client_connection_check_interval: '5s',
}

/** For a cluster in memory, which is lost in a crash. */
export const VOLATILE: Settings = { fsync: 'off', full_page_writes: 'off' }

/** A client that stops in the middle of a transaction would keep the transaction's locks, and its host awake. */
export const PATIENCE: Settings = { idle_in_transaction_session_timeout: '60s' }

/**
 * The smallest sizes of WAL that PostgreSQL allows.
 *
 * @param segment bytes of the cluster's segments: an imported cluster may have larger ones than ours
 */
export function walSizes(segment: number): Settings {
  const megabytes = segment >> 20
  return { min_wal_size: `${2 * megabytes}MB`, max_wal_size: `${Math.max(16, 4 * megabytes)}MB` }
}
