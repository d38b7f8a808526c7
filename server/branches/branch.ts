/** Starts a second server on a copy of a cluster. */
import { copyFiles } from '../data-directory/cluster-files.js'
import { isShareable } from '../data-directory/shareable.js'
import { checkBranchOptions } from '../option-schema.js'
import type { StartServerOptions } from '../options.js'
import type { BranchOptions, ClusterSnapshot } from './options.js'
import { checkSnapshot } from './snapshot.js'
import { type ClusterSource, copyAtMoment, type RunningSource } from './source.js'

/** Options of the original that hold for its branches. */
const INHERITED = [
  ...[
    'host',
    'unixSocketDir',
    'tls',
    'insecureListen',
    'allowDirs',
    'shareDirs',
    'maxConnections',
    'settings',
  ],
  ...['defaults', 'threads', 'superuser', 'user', 'database'],
] as (keyof StartServerOptions)[]

/** A branch must not write into the original's archive, nor take the changes that a publisher sends to the original. */
const APART = { archive_mode: 'off', max_logical_replication_workers: 0 }

/** Recovery accepts the tablespaces of a copy, which are directories, only with this setting. */
const TABLESPACES = { allow_in_place_tablespaces: 'on' }

/** @param start starts a server */
export async function branchOf<Server>(
  source: RunningSource,
  given: BranchOptions,
  start: (options: StartServerOptions, files: ClusterSource) => Promise<Server>,
): Promise<Server> {
  checkBranchOptions(given)
  const { snapshot, ...others } = given
  if (snapshot !== undefined) checkSnapshot(snapshot)
  const inherited = Object.fromEntries(INHERITED.map(name => [name, source.options[name]]))
  const settings = { ...APART, ...TABLESPACES, ...source.options.settings, ...others.settings }
  const options: StartServerOptions = { port: 0, ...inherited, ...others, settings }
  return start(options, filesFor(source, options.dataDir === undefined, snapshot))
}

function filesFor(
  source: RunningSource,
  ephemeral: boolean,
  snapshot: ClusterSnapshot | undefined,
): ClusterSource {
  if (snapshot !== undefined) {
    const share = isShareable({ ephemeral })
    return { path: snapshot.path, copy: async directory => copyFiles(snapshot.path, directory, { share }) }
  }
  const share = isShareable({ ephemeral }) && isShareable(source.directory)
  return { path: source.directory.path, copy: directory => copyAtMoment(source, directory, share) }
}
