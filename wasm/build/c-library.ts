/**
 * The C library: musl as Emscripten ships it, compiled position independent and for shared memory. Only the library and its
 * headers are used. c/posix provides the functions that it expects of its host.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { BuildFailure } from './failure.js'
import { makeOnce } from './once.js'
import { logFile } from './paths.js'
import type { Step } from './progress.js'
import type { Toolchain } from './toolchain.js'

/** Paths as the compiler sees them. */
export interface CLibrary {
  sysroot: string
  libc: string
  /** compiler-rt, and setjmp/longjmp on top of legacy exceptions. */
  builtins: string
}

/**
 * Bytes of the buffer of a stream of stdio's: as many as glibc has. With the 1024 of Emscripten a new backend would read the file that tells it of
 * the catalogs by 150 calls of the host.
 */
const STREAM_BUFFER = 8192
const HEADER = '/usr/share/emscripten/system/lib/libc/musl/include/stdio.h'

const TARGETS = ['libc-mt', 'libclang_rt.builtins-legacysjlj-mt']

export async function getCLibrary(toolchain: Toolchain, step: Step): Promise<CLibrary> {
  const folder = `${toolchain.work}/libc-${STREAM_BUFFER}`
  const reused = await makeOnce(toolchain.outside(folder), async () => {
    enlargeBuffer(toolchain.outside(HEADER))
    await toolchain.run(['embuilder', '--pic', 'build', ...TARGETS], {
      env: { EM_CACHE: `${folder}.unfinished` },
      log: logFile('libc'),
      doing: 'compile the C library',
    })
  })
  if (reused) step.detail('from the cache')
  const sysroot = `${folder}/sysroot`
  const archives = `${sysroot}/lib/wasm32-emscripten/pic`
  return {
    sysroot,
    libc: `${archives}/libc-mt.a`,
    builtins: `${archives}/libclang_rt.builtins-legacysjlj-mt.a`,
  }
}

/** Changes the header that the library is compiled with, and of which programs get a copy. */
function enlargeBuffer(header: string): void {
  const text = readFileSync(header, 'utf8')
  const changed = text.replace(/^(#define BUFSIZ) \d+$/m, `$1 ${STREAM_BUFFER}`)
  if (!changed.includes(`#define BUFSIZ ${STREAM_BUFFER}\n`))
    throw new BuildFailure(`${header} has no BUFSIZ`)
  writeFileSync(header, changed)
}

/** Functions the C library calls and does not define: what c/posix and the host have to provide. */
export async function functionsNeededBy(toolchain: Toolchain, library: CLibrary): Promise<string[]> {
  const listing = await toolchain.run(['llvm-nm', '--extern-only', library.libc, library.builtins], {
    log: logFile('libc-symbols'),
    doing: 'list the symbols of the C library',
  })
  const needed = new Set<string>()
  const defined = new Set<string>()
  for (const line of listing.split('\n')) {
    const [, type, name] = /([A-Za-z]) (\S+)$/.exec(line) ?? []
    if (name) (type === 'U' ? needed : defined).add(name)
  }
  return [...needed].filter(name => !defined.has(name)).sort()
}
