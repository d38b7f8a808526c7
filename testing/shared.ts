/**
 * One server for processes that have nothing in common but the process that has started them, such as the test files of node:test. A folder
 * in the system's directory for temporary files has the PID of that process in its name. The process that makes the folder starts the
 * server and writes its address into a file there; the others wait for this file. The server removes the folder when it ends.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Place, placeOfDatabases, setUpDatabases, tellPlace } from './databases.js'
import { isAlive } from './is-alive.js'
import type { TestDatabasesOptions } from './options.js'
import { templateName } from './template.js'

/** Milliseconds between two checks for the file. */
const INTERVAL = 20

/** The contents of the file. */
type Note = { readonly maker: number; readonly place?: Place; readonly error?: string }

/**
 * Tells this process the place of databases on a server that ends with the parent process; starts the server if there is none.
 *
 * @throws Error if the server does not start, or the template cannot be made
 */
export async function setUpWithSiblings(options: TestDatabasesOptions): Promise<void> {
  const { ppid } = process
  const folder = join(tmpdir(), `pglite-imports-testing-${ppid}-${templateName(options)}`)
  const file = join(folder, 'place.json')
  const write = (note: Note) => {
    writeFileSync(`${file}.unfinished`, JSON.stringify(note))
    renameSync(`${file}.unfinished`, file)
  }
  while (placeOfDatabases() === undefined) {
    if (isMaker(folder)) {
      try {
        write({ maker: process.pid })
        await setUpDatabases(options, { pid: ppid, folder })
        write({ maker: process.pid, place: placeOfDatabases()! })
      } catch (error) {
        write({ maker: process.pid, error: (error as Error).message })
        throw error
      }
      return
    }
    const { place, maker, error } = noteIn(file)
    if (error !== undefined) throw new Error(error)
    if (place !== undefined) tellPlace(place)
    // The file is of earlier processes, which had the same PIDs.
    else if (maker !== undefined && !isAlive(maker)) rmSync(folder, { recursive: true, force: true })
    else await setTimeout(INTERVAL)
  }
}

function isMaker(folder: string): boolean {
  try {
    mkdirSync(folder)
    return true
  } catch {
    return false
  }
}

function noteIn(file: string): Partial<Note> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Note
  } catch {
    return {}
  }
}
