/**
 * Checks a module's imports: they must be functions that c/ declares. Any other is a function of the C library that
 * c/posix should provide.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BuildFailure } from './failure.js'
import { filesBelow } from './hash.js'
import { FROM_THE_LOADER } from './loadable-modules.js'
import { repository } from './paths.js'

/** Throws BuildFailure if a program imports what neither the loader, nor the kernel, nor a header in c/ knows. */
export async function requireKnownImports(
  name: string,
  program: Uint8Array<ArrayBuffer>,
  kernel: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const kernelExports = new Set(
    WebAssembly.Module.exports(await WebAssembly.compile(kernel)).map(({ name }) => name),
  )
  const declared = wordsInHeaders()
  const known = ({ module, name }: WebAssembly.ModuleImportDescriptor) => {
    if (module === 'kernel') return kernelExports.has(name)
    if (module === 'host') return declared.has(name)
    return module === 'env' && (FROM_THE_LOADER.includes(name) || name.startsWith('pglite_js_'))
  }
  const strangers = WebAssembly.Module.imports(await WebAssembly.compile(program))
    .filter(entry => !known(entry))
    .map(({ module, name }) => `${module}.${name}`)
  if (strangers.length > 0)
    throw new BuildFailure(
      `${name} imports functions that no header in c/ declares:\n    ${strangers.sort().join('\n    ')}`,
    )
}

function wordsInHeaders(): Set<string> {
  const folder = join(repository, 'c')
  const headers = filesBelow(folder).filter(name => name.endsWith('.h'))
  return new Set(headers.flatMap(name => readFileSync(join(folder, name), 'utf8').match(/\w+/g) ?? []))
}
