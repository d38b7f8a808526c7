/**
 * `npm run build:wasm`: makes wasm/dist/ from PostgreSQL's source and c/. See README.md beside this file.
 */
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCLibrary } from './c-library.js'
import { BuildFailure } from './failure.js'
import { hashOf } from './hash.js'
import { strangeImports } from './imports-check.js'
import { link } from './link.js'
import { lockCache } from './lock.js'
import { compileOwnSources, copyOwnSources, hashOfHeaders } from './own-objects.js'
import { dist } from './paths.js'
import { compilePostgres, configurePostgres } from './postgres.js'
import { Progress } from './progress.js'
import { getSource, hashOfPatches } from './source.js'
import { makeStaticModules } from './static-modules.js'
import { getToolchain } from './toolchain.js'

async function build(): Promise<void> {
  lockCache()
  const progress = new Progress(7)
  const toolchain = await progress.step('toolchain', getToolchain)
  const source = await progress.step('PostgreSQL source', step => getSource(toolchain, step))
  const library = await progress.step('C library', step => getCLibrary(toolchain, step))
  const objects = await progress.step('configure PostgreSQL', step =>
    configurePostgres(toolchain, library, source, step),
  )
  copyOwnSources(toolchain)
  await progress.step('compile PostgreSQL', step =>
    compilePostgres(toolchain, library, objects, hashOf(hashOfPatches(), hashOfHeaders()), step),
  )
  const own = await progress.step('compile c/', () => compileOwnSources(toolchain, library, source, objects))
  const linked = await progress.step('link', async () => {
    const modules = await makeStaticModules(toolchain, objects)
    return link(toolchain, library, objects, own, modules)
  })
  for (const file of [linked.kernel, linked.postgres, linked.initdb])
    cpSync(toolchain.outside(file), join(dist, file.split('/').at(-1)!))
  const strangers = await strangeImports(
    readFileSync(toolchain.outside(linked.postgres)),
    readFileSync(toolchain.outside(linked.kernel)),
  )
  if (strangers.length > 0) console.log(`imports that nobody provides: ${strangers.join(' ')}`)
  console.log(existsSync(dist), progress.elapsed)
}

try {
  await build()
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error
  console.error(`\nbuild failed: ${error.message}`)
  process.exitCode = 1
}
