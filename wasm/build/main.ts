/**
 * `npm run build:wasm`: makes wasm/dist/ from PostgreSQL's source and c/. See README.md beside this file.
 */
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ABI, requireAbi } from './abi.js'
import { gather, gatherForTests, publish, publishedInputHash } from './artefacts.js'
import { type CLibrary, getCLibrary } from './c-library.js'
import { linkClients } from './clients.js'
import { DEBUG } from './compiler.js'
import { getExtensionSources } from './extensions.js'
import { BuildFailure } from './failure.js'
import { filesBelow, hashOf, hashOfFiles } from './hash.js'
import { ICU_DATA, writeIcuData } from './icu-data.js'
import { requireKnownImports } from './imports-check.js'
import { requireLayoutsOf64Bits } from './layouts.js'
import { linkLazyLibraries } from './lazy-libraries.js'
import { type CompiledLibrary, compileLibraries } from './library-objects.js'
import { link } from './link.js'
import { linkModules } from './loadable-modules.js'
import { generatedLocaleSources, writeLocaleData } from './locale-data.js'
import { getLocales, type Locales } from './locales.js'
import { withCacheLocked } from './lock.js'
import { writeManifest } from './manifest.js'
import { makeOnce, removeOldSiblings } from './once.js'
import {
  compileGenerated,
  compileOwnSources,
  copyOwnSources,
  hashOfHeaders,
  type OwnObjects,
  ownFlags,
} from './own-objects.js'
import { cache, repository } from './paths.js'
import { compilePostgres, configurePostgres, type Objects } from './postgres.js'
import { countingRuntime, PROFILE, profileFlags, TRAINING } from './profile.js'
import { Progress } from './progress.js'
import { readSaslprepTables, requireSaslprepTables, TABLES } from './saslprep.js'
import { writeServerModule } from './server-module.js'
import { getSource, hashOfPatches } from './source.js'
import { makeTemplate } from './template.js'
import { getToolchain, type Toolchain } from './toolchain.js'

/** Finished builds that stay in the cache, for switching between branches and for fresh clones. */
const ARTEFACTS_KEPT = 5

/** Hash of everything in the repository that affects wasm/dist/. */
function hashOfInputs(): string {
  const recipe = filesBelow(join(repository, 'wasm', 'build')).filter(name => /\.ts$|^pins\.json$/.test(name))
  return hashOf(
    hashOfFiles(join(repository, 'wasm', 'build'), recipe),
    hashOfFiles(join(repository, 'c'), filesBelow(join(repository, 'c'))),
    ...ABI.map(path => readFileSync(path, 'utf8')),
    readFileSync(TABLES, 'utf8'),
    existsSync(PROFILE) ? readFileSync(PROFILE, 'utf8') : '',
    String(DEBUG),
    String(TRAINING),
  )
}

async function main(): Promise<void> {
  const inputHash = hashOfInputs()
  if (publishedInputHash() === inputHash) return
  const artefacts = join(cache, `artefacts-${inputHash}`)
  // A finished build is complete, so there is no need to wait for other builds.
  if (existsSync(artefacts)) return publish(artefacts)
  await withCacheLocked(async () => {
    if (!existsSync(artefacts))
      console.log('building PostgreSQL for WebAssembly; the first time takes minutes')
    await makeOnce(artefacts, unfinished => build(inputHash, unfinished))
    publish(artefacts)
    removeOldSiblings(artefacts, ARTEFACTS_KEPT)
  })
}

async function build(inputHash: string, folder: string): Promise<void> {
  const progress = new Progress(14)
  const toolchain = await progress.step('toolchain', getToolchain)
  const source = await progress.step('PostgreSQL source', step => getSource(toolchain, step))
  const extensions = await getExtensionSources(toolchain)
  const locales = await progress.step('locales', step => getLocales(toolchain, step))
  const library = await progress.step('C library', step => getCLibrary(toolchain, step))
  const libraries = await progress.step('libraries', step => compileLibraries(toolchain, library, step))
  const profile = await profileFlags(toolchain, source)
  const objects = await progress.step('configure PostgreSQL', step =>
    configurePostgres(toolchain, library, libraries, source, profile, step),
  )
  const compiled = await progress.step('compile PostgreSQL', step => {
    copyOwnSources(toolchain)
    return compilePostgres(
      toolchain,
      library,
      objects,
      source,
      extensions,
      profile,
      hashOf(hashOfPatches(), hashOfHeaders()),
      step,
    )
  })
  await progress.step('compare structures in files', step =>
    requireLayoutsOf64Bits(toolchain, library, libraries, objects.folder, source, compiled, step),
  )
  const icu = libraries.find(({ library }) => library.name === 'icu')!
  const flags = ownFlags(toolchain, library, source, objects, icu)
  await progress.step('ABI', async () => {
    await requireAbi(toolchain, flags)
    requireSaslprepTables(readSaslprepTables(toolchain.outside(source.folder)))
  })
  const own = await progress.step('compile c/', () => compileOwnSources(toolchain, flags))
  const { linked, lazy, modules, testModules, clients } = await progress.step('link', () =>
    linkAll(toolchain, library, libraries, objects, own, locales),
  )
  await progress.step('check the imports', async () => {
    const read = (file: string) => readFileSync(toolchain.outside(file))
    for (const program of [linked.postgres, linked.initdb, linked.client])
      await requireKnownImports(basename(program), read(program), read(linked.kernel))
  })
  await progress.step('cluster template', async () => {
    gather(toolchain, linked, objects, [modules, lazy], clients, folder)
    writeIcuData(toolchain, libraries, join(folder, ICU_DATA))
    await writeLocaleData(toolchain, locales, folder)
    gatherForTests(toolchain, linked, objects, testModules, locales, join(folder, 'test'))
    publish(folder) // without the manifest, so incomplete: the host needs the linked modules to run initdb
    const installed = toolchain.outside(`${objects.installed}/bin/initdb`)
    const template = await makeTemplate(toolchain.outside(linked.initdb), installed)
    writeServerModule(folder, [...modules.names, ...lazy.names], template)
  })
  await progress.step('manifest', () =>
    writeManifest(folder, inputHash, toolchain, source, modules, lazy, libraries),
  )
  console.log(`built in ${progress.elapsed}`)
}

/** Links libraries and modules, and then the programs, which have what these need of them. */
async function linkAll(
  toolchain: Toolchain,
  library: CLibrary,
  libraries: readonly CompiledLibrary[],
  objects: Objects,
  own: OwnObjects,
  locales: Locales,
) {
  const counting = await countingRuntime(toolchain, library)
  const lazy = await linkLazyLibraries(toolchain, libraries, objects, own, counting)
  const linkedIn = (installed: string, folder: string) =>
    linkModules(toolchain, installed, folder, lazy.modules, counting)
  const modules = await linkedIn(objects.installed, 'lib')
  const testModules = await linkedIn(objects.installedForTests, 'lib-for-tests')
  const exports = [...modules.imports, ...testModules.imports]
  const foreign = [
    ...(await compileGenerated(toolchain, library, [
      ...lazy.stubs,
      ...generatedLocaleSources(toolchain, locales),
    ])),
    ...libraries.flatMap(({ inServer }) => inServer),
  ]
  const clients = await linkClients(toolchain, objects)
  const linked = await link(
    toolchain,
    library,
    objects,
    own,
    exports,
    lazy.imports,
    foreign,
    lazy.modules,
    clients,
  )
  return { linked, lazy, modules, testModules, clients }
}

try {
  await main()
} catch (error) {
  if (!(error instanceof BuildFailure)) throw error
  console.error(`\nbuild failed: ${error.message}`)
  process.exitCode = 1
}
