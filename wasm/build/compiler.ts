/**
 * How C becomes WebAssembly here: the flags, and the two stand-ins for `cc` that PostgreSQL's own build system is given.
 *
 * clang is called directly. `emcc` would add the JavaScript glue of Emscripten, which this project replaces, and is slow.
 */
import { writeFileSync } from 'node:fs'
import type { CLibrary } from './c-library.js'
import { UNPROFILED } from './profile.js'
import type { Toolchain } from './toolchain.js'

/** In a debug build functions have names, code has the lines of its source, and the kernel checks its assertions. */
export const DEBUG = Boolean(process.env.PGLITE_IMPORTS_DEBUG)

/** The line of source of each instruction. */
const LINES = '-gline-tables-only'

/** How PostgreSQL and this project's own C files are compiled. The lines do not change the code. */
export const OPTIMISATION = ['-O2', DEBUG ? LINES : '-g0']

/** WebAssembly features that Node 20 has and the code makes use of. */
const FEATURES = ['-matomics', '-mbulk-memory', '-mmutable-globals', '-msign-ext', '-mnontrapping-fptoint']

/** For programs: PostgreSQL, and the C files of this project that are linked with it. */
export function targetFlags(library: CLibrary): string[] {
  return [
    ...['-target', 'wasm32-unknown-emscripten', `--sysroot=${library.sysroot}`, ...FEATURES],
    ...['-D__EMSCRIPTEN_SHARED_MEMORY__=1', '-pthread'],
    // Every process is an instance of the same code at another place of the shared memory. Hidden visibility keeps
    // most references from going through the global offset table.
    ...['-fPIC', '-fvisibility=hidden'],
    // setjmp/longjmp as WebAssembly exceptions, in the encoding that every supported Node knows.
    ...['-fignore-exceptions', '-mllvm', '-wasm-enable-sjlj', '-mllvm', '-wasm-use-legacy-eh'],
    // As emcc does: both make code larger and slower for WebAssembly.
    ...['-mllvm', '-disable-lsr', '-mllvm', '-combiner-global-alias-analysis=false'],
    ...['-Xclang', '-iwithsysroot/include/compat'],
  ]
}

/**
 * Further flags for PostgreSQL's own code and for C files that include its headers: children start from
 * nothing as on Windows, waiting is poll() on a pipe, and the postmaster reports its state (c/systemd).
 */
export const POSTGRES_CPPFLAGS = [
  '-DEXEC_BACKEND',
  '-DWAIT_USE_POLL',
  '-DWAIT_USE_SELF_PIPE',
  '-DUSE_SYSTEMD',
]

/**
 * Further flags for the server itself: it has TLS, though not by a library that configure knows. c/postgres/tls.c replaces
 * be-secure-openssl.c. In libpq a patch says the same.
 */
export const BACKEND_CPPFLAGS = ['-DUSE_SSL']

/** The kernel runs without a C library, not position independent, once per thread on the same memory. */
export const KERNEL_FLAGS = [
  ...['-target', 'wasm32-unknown-unknown', ...FEATURES, '-mbulk-memory-opt', ...OPTIMISATION],
  ...['-ffreestanding', '-nostdlib', '-fvisibility=hidden', '-fno-strict-aliasing', '-DBUILDING_KERNEL'],
]

/** For the kernels that tests run on, and in a debug build for every kernel: c/kernel/assert.h. */
export const ASSERTIONS = ['-DUSE_ASSERT_CHECKING', LINES]

/** For the kernel of which a test ends processes at any step: c/kernel/step.c. */
export const STEPS = ['-DCALLS_AT_EACH_STEP', '-fsanitize-coverage=trace-pc,no-prune']

/** For this project's own C files. */
export const WARNINGS = ['-Wall', '-Wextra', '-Werror']

/**
 * The `cc` that configure probes with: it really links, against the C library, so that a missing function is missed.
 * `provided` names functions that the C library calls and c/posix or the host will provide.
 */
export function writeProbingCompiler(
  toolchain: Toolchain,
  library: CLibrary,
  folder: string,
  provided: string[],
): string {
  const list = `${folder}/provided-functions`
  writeFileSync(toolchain.outside(list), `${provided.join('\n')}\n`)
  const link = [
    ...['-nostdlib', '-Wno-unused-command-line-argument', library.libc, library.builtins],
    ...[
      '-Wl,-pie',
      '-Wl,--experimental-pic',
      '-Wl,--no-entry',
      '-Wl,--no-gc-sections',
      '-Wl,--import-memory',
    ],
    ...['-Wl,--shared-memory', '-Wl,--max-memory=4294967296', `-Wl,--allow-undefined-file=${list}`],
  ]
  return writeScript(toolchain, `${folder}/probing-cc`, [
    compileOnly(targetFlags(library)),
    `exec clang ${targetFlags(library).join(' ')} "$@" ${link.join(' ')}`,
  ])
}

/**
 * The `cc` that make is given: it compiles, but where PostgreSQL's makefiles link a program or a library it writes the
 * names of the objects and archives into the output file instead. So the makefiles remain the only place that says
 * what belongs to what (see link-record.ts), and `make install` installs small marker files for server and modules. The flags of
 * `profile` are for the server and its modules, not for clients.
 */
export function writeRecordingCompiler(
  toolchain: Toolchain,
  library: CLibrary,
  folder: string,
  profile: readonly string[],
): string {
  return writeScript(toolchain, `${folder}/recording-cc`, [
    `profile='${profile.join(' ')}'`,
    `case " $* " in ${['*" -DFRONTEND "*', ...UNPROFILED.flatMap(name => [`*/${name}" "*`, `*" ${name} "*`])].join(' | ')}) profile= ;; esac`,
    compileOnly([...targetFlags(library), `-I${toolchain.work}/c`, '$profile']),
    'while [ $# -gt 0 ]; do',
    '  case $1 in',
    '    -o) output=$2; shift ;;',
    '    /*.o | /*.a | -l*) record="$record$1 " ;;',
    '    *.o | *.a) record="$record$PWD/$1 " ;;',
    '    -L*) record="$record-L$(cd "$(echo "$1" | cut -c 3-)" && pwd) " ;;',
    '  esac',
    '  shift',
    'done',
    'echo "$record" > "$output"',
  ])
}

function compileOnly(flags: string[]): string {
  return [
    'for argument; do',
    '  case $argument in',
    `    -c | -E | -S | -v | -V | --version | -qversion) exec clang ${flags.join(' ')} "$@" ;;`,
    '  esac',
    'done',
  ].join('\n')
}

function writeScript(toolchain: Toolchain, path: string, lines: string[]): string {
  writeFileSync(toolchain.outside(path), `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 })
  return path
}
