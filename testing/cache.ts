/** Templates that are kept between runs: a data directory for each, of which a test server gets a copy. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { TestDatabasesOptions } from './options.js'
import { startTestServer } from './server.js'
import { template, templateName } from './template.js'

const NAME = /^template_[0-9a-f]{16}$/

/**
 * A data directory with the template that these options make. If there is none, makes one, and removes those of other options.
 */
export async function cachedCluster(cacheDir: string, options: TestDatabasesOptions): Promise<string> {
  const folder = resolve(cacheDir)
  const name = templateName(options)
  const path = join(folder, name)
  if (existsSync(path)) return path
  mkdirSync(folder, { recursive: true })
  const unfinished = mkdtempSync(join(folder, 'unfinished-'))
  try {
    const server = await startTestServer({ dataDir: unfinished, settings: options.settings })
    await template(server.url, options)
    await server.stop()
    if (!existsSync(path)) renameSync(unfinished, path)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
  for (const other of readdirSync(folder).filter(other => NAME.test(other) && other !== name))
    rmSync(join(folder, other), { recursive: true, force: true })
  return path
}
