/** Reads every page of a cluster that was shut down, by PostgreSQL's pg_checksums: each must have the checksum it says. */
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { getNativeTree } from '../../bench/native-tree.js'
import { Failure } from './server.js'

export async function checkPages(dataDir: string): Promise<void> {
  const tree = await getNativeTree()
  // The program sees the tree's files only, and runs as `postgres`.
  const inside = tree.makeDirectory(`checksums-${process.pid}`)
  try {
    cpSync(dataDir, join(tree.root, inside), { recursive: true })
    spawnSync('chroot', [tree.root, 'chown', '-R', 'postgres', inside])
    const child = tree.spawn('pg_checksums', ['--check', '-D', inside])
    const said = await Promise.all([buffer(child.stdout!), buffer(child.stderr!)])
    const text = Buffer.concat(said).toString()
    if (!/^Bad checksums:\s+0$/m.test(text)) throw new Failure(`pg_checksums: ${text}`)
  } finally {
    tree.removeDirectory(inside)
  }
}
