/** `branch`: copies the cluster of a data directory into another one. */
import { Command } from 'commander'
import { branchDataDirectory } from '../server/index.js'

export function branchCommand(): Command {
  return new Command('branch')
    .description(
      'copy a cluster into another directory as it is at this moment, also while a server runs on it; the two share what the file system can share',
    )
    .argument('<newdir>', 'directory for the copy, missing or empty')
    .requiredOption('-D, --data-dir <dir>', 'directory of the cluster')
    .action(branch)
}

async function branch(newDir: string, { dataDir }: { dataDir: string }): Promise<void> {
  for (const note of await branchDataDirectory(dataDir, newDir)) console.error(note)
  console.log(
    `copied the cluster into "${newDir}"; start a server with: pglite-imports-server -D ${newDir} -p PORT`,
  )
}
