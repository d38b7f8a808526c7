/**
 * Profile-guided optimisation: clang lays out and inlines functions by how often each of their branches was taken in a
 * training run (train.ts), which profile.txt tells. Functions that have changed since then are compiled without it.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { CLibrary } from './c-library.js'
import { hashOf } from './hash.js'
import { logFile, repository } from './paths.js'
import { llvmProfile } from './profile-text.js'
import type { Source } from './source.js'
import type { Toolchain } from './toolchain.js'

/** In a build for training, programs and modules count what runs, and write that to their working directory when they end. */
export const TRAINING = Boolean(process.env.PGLITE_IMPORTS_TRAINING)

/** Where a process of such a build writes to, in its working directory, which is the data directory. */
export const COUNTS = 'profile'

/**
 * Files that are compiled without it: their functions call each other for each level of nesting, and inlined into each other they would
 * take more of the stack, so that less could be nested than in native PostgreSQL. regexec.c would also be twice as large, and no faster.
 */
export const UNPROFILED = ['jsonapi.c', 'jsonb_util.c', 'jsonpath.c', 'jsonpath_exec.c', 'regexec.c']

/** What the training run counted (see profile-text.ts). */
export const PROFILE = join(repository, 'wasm', 'build', 'profile.txt')

/**
 * The flags for the server's own code and its modules'. The name of a static function in the profile begins with that of its file, without the folders
 * above PostgreSQL's source: these differ between machines and with each patch.
 */
export async function profileFlags(toolchain: Toolchain, source: Source): Promise<string[]> {
  const above = source.folder.split('/').length
  const names = ['-mllvm', `-static-func-strip-dirname-prefix=${above}`]
  // Not -fprofile-generate, with which clang's driver links a runtime that Debian does not have; the C library's builtins have it.
  const counting = ['-fprofile-instrument=llvm', `-fprofile-instrument-path=${COUNTS}/%p/%m.profraw`]
  if (TRAINING) return [...counting.flatMap(flag => ['-Xclang', flag]), ...names]
  if (!existsSync(PROFILE)) return []
  return [
    `-fprofile-use=${await indexedProfile(toolchain)}`,
    ...names,
    ...['unprofiled', 'out-of-date'].map(warning => `-Wno-profile-instr-${warning}`),
    '-Wno-backend-plugin',
    // What never ran in training is to be small.
    ...['-mllvm', '-pgo-cold-func-opt=optsize'],
    // By its default clang inlines up to 3000 instructions where a call is hot, which makes frames, and the module, much larger.
    ...['-mllvm', '-hot-callsite-threshold=400'],
    // Where a call is neither hot nor cold, what is small is better than what is inlined.
    ...['-mllvm', '-inline-threshold=75'],
  ]
}

/** With what a module of a build for training is linked besides: it writes its own counts. Nothing in other builds. */
export async function countingRuntime(toolchain: Toolchain, library: CLibrary): Promise<string[]> {
  if (!TRAINING) return []
  // Not all of the builtins: a longjmp() leads only where the program's own setjmp() is.
  const archive = `${toolchain.work}/profile/runtime.a`
  mkdirSync(toolchain.outside(`${toolchain.work}/profile`), { recursive: true })
  const run = (...command: string[]) =>
    toolchain.run(command, {
      cwd: `${toolchain.work}/profile`,
      log: logFile('profile'),
      doing: 'take the runtime that counts from the builtins',
    })
  const members = (await run('llvm-ar', 't', library.builtins)).split('\n')
  const counting = members.filter(name => name.startsWith('InstrProfiling'))
  await run('llvm-ar', 'x', library.builtins, ...counting)
  await run('llvm-ar', 'rcs', archive, ...counting)
  return [archive, '--export=__wasm_call_ctors']
}

/** The profile as clang reads it. */
async function indexedProfile(toolchain: Toolchain): Promise<string> {
  const text = llvmProfile(readFileSync(PROFILE, 'utf8'))
  const profile = `${toolchain.work}/profile/${hashOf(text)}.profdata`
  if (existsSync(toolchain.outside(profile))) return profile
  mkdirSync(toolchain.outside(`${toolchain.work}/profile`), { recursive: true })
  writeFileSync(toolchain.outside(`${profile}.text`), text)
  await toolchain.run(['llvm-profdata', 'merge', `${profile}.text`, '-o', `${profile}.unfinished`], {
    log: logFile('profile'),
    doing: 'read the profile',
  })
  renameSync(toolchain.outside(`${profile}.unfinished`), toolchain.outside(profile))
  return profile
}
