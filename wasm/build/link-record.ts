/**
 * Reads what the recording compiler wrote where PostgreSQL's makefiles would have linked: the objects and archives, and
 * the libraries (`-lpq`) with the folders to look for them (`-L…`), in the order of the command line.
 */
import { existsSync, readFileSync } from 'node:fs'
import type { Toolchain } from './toolchain.js'

/** How a library goes into a link: its archive; its shared form; or, of that, all that it was recorded to be made of. */
export type LibraryForm = 'archive' | 'shared' | 'contents'

/** The objects, archives and shared libraries that a recorded program or module is made of, as the compiler sees them. */
export function linkInputs(toolchain: Toolchain, record: string, form: LibraryForm): string[] {
  const words = readFileSync(toolchain.outside(record), 'utf8').trim().split(/\s+/)
  const folders = words.filter(word => word.startsWith('-L')).map(word => word.slice(2))
  const inputs = words.flatMap(word => {
    if (word.startsWith('-L')) return []
    if (!word.startsWith('-l')) return [word]
    const found = (suffix: string) =>
      folders
        .map(folder => `${folder}/lib${word.slice(2)}${suffix}`)
        .find(path => existsSync(toolchain.outside(path)))
    const library = form === 'archive' ? undefined : found('.so')
    if (library) return form === 'shared' ? [library] : linkInputs(toolchain, library, form)
    const archive = found('.a')
    return archive ? [archive] : []
  })
  return [...new Set(inputs)]
}
