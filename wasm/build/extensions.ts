/**
 * Extensions that are not part of PostgreSQL, from Debian's source packages, made by their own makefiles.
 *
 * To add one, add it to EXTENSION_PACKAGES, and pin its version: `npm run inputs:update -- NAME`.
 */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { logFile } from './paths.js'
import { getSourcePackage, type SourcePackage } from './source-package.js'
import type { Toolchain } from './toolchain.js'

export interface ExtensionPackage {
  /** Debian's source package. */
  package: string
  /** Variables that its makefile is given. */
  variables?: string[]
  /** Perl expressions that change its C files where they do not fit PostgreSQL 18. */
  edits?: string[]
}

export const EXTENSION_PACKAGES: readonly ExtensionPackage[] = [
  {
    package: 'pgvector',
    // For loops over floats. By default its makefile asks for the compiling machine's vector instructions.
    variables: ['OPTFLAGS=-msimd128'],
    // 0.8.0 is older than PostgreSQL 18; later versions have these changes.
    edits: [
      's/vacuum_delay_point\\(\\)/vacuum_delay_point(false)/',
      's/buildstate->tupdesc->attrs\\[0\\]\\./TupleDescAttr(buildstate->tupdesc, 0)->/',
    ],
  },
]

export interface ExtensionSource extends ExtensionPackage {
  source: SourcePackage
}

export function getExtensionSources(toolchain: Toolchain): Promise<ExtensionSource[]> {
  return Promise.all(
    EXTENSION_PACKAGES.map(async extension => ({
      ...extension,
      source: await getSourcePackage(toolchain, extension.package),
    })),
  )
}

/**
 * Makes and installs an extension, as if PostgreSQL was installed: its makefile asks pg_config for the installation, and includes
 * PostgreSQL's makefiles for extensions (PGXS), which are in the source here.
 *
 * @param objects PostgreSQL's tree of objects
 * @param postgres PostgreSQL's source
 * @param compiler the stand-in for cc, see compiler.ts
 */
export async function makeExtension(
  toolchain: Toolchain,
  extension: ExtensionSource,
  objects: string,
  postgres: string,
  prefix: string,
  destination: string,
  compiler: string,
): Promise<void> {
  const folder = `${objects}/extensions/${extension.package}`
  rmSync(toolchain.outside(folder), { recursive: true, force: true })
  mkdirSync(toolchain.outside(`${objects}/extensions`), { recursive: true })
  cpSync(toolchain.outside(extension.source.folder), toolchain.outside(folder), { recursive: true })
  const pgxs = `${objects}/src/makefiles/pgxs.mk`
  mkdirSync(toolchain.outside(`${objects}/src/makefiles`), { recursive: true })
  cpSync(toolchain.outside(`${postgres}/src/makefiles/pgxs.mk`), toolchain.outside(pgxs))
  const config = `${objects}/pg_config`
  writeFileSync(
    toolchain.outside(config),
    [
      '#!/bin/sh',
      'case $1 in',
      `  --pgxs) echo ${pgxs} ;;`,
      '  --version) echo PostgreSQL 18 ;;',
      `  --bindir) echo ${prefix}/bin ;;`,
      `  --sharedir) echo ${prefix}/share ;;`,
      `  --*libdir) echo ${prefix}/lib ;;`,
      `  --includedir-server) echo ${postgres}/src/include ;;`,
      `  --*) echo ${prefix}/\${1#--} ;;`,
      'esac',
      '',
    ].join('\n'),
    { mode: 0o755 },
  )
  for (const edit of extension.edits ?? [])
    await toolchain.run(['find', '.', '-name', '*.c', '-exec', 'perl', '-pi', '-e', edit, '{}', '+'], {
      ...{ cwd: folder, log: logFile(`edit-${extension.package}`) },
      doing: `edit the extension ${extension.package}`,
    })
  await toolchain.run(
    [
      ...['make', `-j${availableParallelism()}`, 'install', `PG_CONFIG=${config}`, `CC=${compiler}`],
      ...[`top_srcdir=${postgres}`, 'srcdir=.', `DESTDIR=${destination}`, ...(extension.variables ?? [])],
      // Headers that are generated are in the tree of objects.
      `COPT=-I${objects}/src/include -I${postgres}/src/include`,
    ],
    {
      cwd: folder,
      log: logFile(`make-${extension.package}`),
      doing: `compile the extension ${extension.package}`,
    },
  )
}
