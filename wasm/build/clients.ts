/**
 * Links PostgreSQL's client programs as loadable modules of one program, client.wasm (c/client/main.c). It has what they share: libpq,
 * PostgreSQL's common code and the C library. So each program adds only what is its own.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { linkInputs } from './link-record.js'
import { importsOf, type LoadableModules, MODULE } from './loadable-modules.js'
import type { Objects } from './postgres.js'
import { PROGRAM_NAMES } from './programs.js'
import { WRAPPER } from './symbols.js'
import type { Toolchain } from './toolchain.js'
import { wasmLd } from './wasm-ld.js'

/** psql leaves a signal handler by longjmp(), about which c/posix/signals.c wants to know. */
const WRAPPED = '__wasm_longjmp'
export const CLIENT = [`--wrap=${WRAPPED}`]

export interface Clients extends LoadableModules {
  /** The objects and archives that client.wasm is made of, beside those of c/. */
  common: string[]
}

/** The objects, archives and foreign libraries of all client programs, with what libpq is made of. */
export function clientInputs(toolchain: Toolchain, objects: Objects): string[] {
  const inputs = PROGRAM_NAMES.flatMap(name => linkInputs(toolchain, recordOf(objects, name), 'contents'))
  return [...new Set(inputs)]
}

const recordOf = ({ installed }: Objects, program: string) => `${installed}/bin/${program}`

export async function linkClients(toolchain: Toolchain, objects: Objects): Promise<Clients> {
  const folder = `${toolchain.work}/linked/clients`
  rmSync(toolchain.outside(folder), { recursive: true, force: true })
  mkdirSync(toolchain.outside(folder), { recursive: true })
  const imports = new Set<string>()
  const ofOne = new Set<string>()
  for (const name of PROGRAM_NAMES) {
    const own = linkInputs(toolchain, recordOf(objects, name), 'shared').filter(input => input.endsWith('.o'))
    for (const object of own) ofOne.add(object)
    const file = `${folder}/${name}.so`
    await wasmLd(toolchain, file, ...MODULE, '--export=__main_argc_argv', ...own)
    for (const symbol of await importsOf(readFileSync(toolchain.outside(file))))
      imports.add(symbol === WRAPPED ? `${WRAPPER}${symbol}` : symbol)
  }
  const common = clientInputs(toolchain, objects).filter(input => !ofOne.has(input))
  return { folder, names: PROGRAM_NAMES, imports: [...imports].sort(), common }
}
