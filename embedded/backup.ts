/** Takes a snapshot of a server's files while its sessions go on. */
import type { ClusterSnapshot } from './host.js'
import type { OnDemandServer } from './on-demand.js'

/**
 * The server is not suspended until `done` is called.
 *
 * @throws Error when the cluster is in memory, or there is another snapshot already
 */
export async function takeSnapshot(
  server: OnDemandServer,
): Promise<{ readonly snapshot: ClusterSnapshot; done(): void }> {
  const { clients } = server
  const reader = {}
  let snapshot: ClusterSnapshot | undefined
  clients.add(reader, () => snapshot?.fail(new Error('the server has ended during the backup')))
  try {
    snapshot = (await server.reach()).host.snapshot?.()
    if (snapshot === undefined) throw new Error('a cluster in memory cannot be backed up')
  } catch (error) {
    clients.remove(reader)
    throw error
  }
  const begun = snapshot
  return {
    snapshot,
    done() {
      begun.end()
      clients.remove(reader)
    },
  }
}
