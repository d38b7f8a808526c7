/**
 * Debian's source packages: of PostgreSQL, and of the libraries and extensions beside it, in the versions that pins.json names.
 */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fetchPin } from './archive.js'
import { hashOf } from './hash.js'
import { makeOnce, removeOldSiblings } from './once.js'
import { logFile } from './paths.js'
import { pinOfSource } from './pins.js'
import type { Toolchain } from './toolchain.js'

export interface SourcePackage {
  /** The tree, as the compiler sees it. */
  folder: string
  /** Debian's version: "1.10.0-10". */
  version: string
}

/** Fetches a package once; later calls find it in the cache. */
export async function getSourcePackage(toolchain: Toolchain, name: string): Promise<SourcePackage> {
  const pin = pinOfSource(name)
  const folder = `${toolchain.work}/sources/${name}-${hashOf(JSON.stringify(pin))}`
  await makeOnce(toolchain.outside(folder), () =>
    extractSource(toolchain, name, `${folder}.unfinished`, 'source'),
  )
  removeOldSiblings(toolchain.outside(folder), 2)
  return { folder: `${folder}/source`, version: pin.version }
}

/** Downloads a source package into a folder and leaves its tree there, by the given name, with Debian's changes applied. */
export async function extractSource(
  toolchain: Toolchain,
  name: string,
  folder: string,
  tree: string,
): Promise<void> {
  const files = await fetchPin(toolchain.root, name, pinOfSource(name), folder)
  const description = files.find(file => file.endsWith('.dsc'))!
  await toolchain.run(['dpkg-source', '--no-check', '--extract', description, tree], {
    cwd: folder,
    log: logFile(`source-${name}-extract`),
    doing: `extract the source package ${name}`,
  })
  const outside = toolchain.outside(folder)
  for (const file of readdirSync(outside)) if (file !== tree) rmSync(join(outside, file))
}
