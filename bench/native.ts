/** Native PostgreSQL 18 from the Debian tree, with the settings that this project's server gets. */
import { once } from 'node:events'
import type { NativeTree } from './native-tree.js'
import { freePort, outputOf, SETTINGS, type System, serverOf } from './system.js'

/** As this project's cluster template is made. */
const INITDB = ['-U', 'postgres', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8']

/** Another PostgreSQL in the same tree. */
export interface Installation {
  /** Folders, as programs in the tree see them. */
  readonly programs: string
  readonly libraries: string
}

/** @param installation default: Debian's */
export function native(tree: NativeTree, installation?: Installation): System {
  const initialised = new Set<string>()
  const programs = installation === undefined ? '' : `${installation.programs}/`
  const environment = installation === undefined ? {} : { LD_LIBRARY_PATH: installation.libraries }
  const spawn = (program: string, args: string[]) =>
    tree.spawn(`${programs}${program}`, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment })

  async function initialise(directory: string, options: string[]): Promise<void> {
    const child = spawn('initdb', [...INITDB, ...options, '-D', directory])
    const output = outputOf(child)
    const [status] = (await once(child, 'close')) as [number | null]
    if (status !== 0) throw new Error(`initdb failed:\n${output()}`)
    initialised.add(directory)
  }

  return {
    name: 'native',
    label: 'native PostgreSQL (Debian package postgresql-18)',
    shares: '',
    makeDirectory(name) {
      const directory = tree.makeDirectory(name)
      initialised.delete(directory)
      return directory
    },
    removeDirectory: path => tree.removeDirectory(path),
    async start(directory) {
      const ephemeral = directory === undefined ? this.makeDirectory('ephemeral') : undefined
      const data = directory ?? ephemeral!
      const port = await freePort()
      const began = performance.now()
      if (!initialised.has(data)) await initialise(data, ephemeral ? ['--no-sync'] : [])
      const settings: Record<string, string | number> = {
        ...(ephemeral ? { fsync: 'off', full_page_writes: 'off', file_copy_method: 'clone' } : SETTINGS),
        listen_addresses: '127.0.0.1',
        port,
        unix_socket_directories: '',
        // POSIX shared memory needs a /dev/shm, which the tree does not have.
        dynamic_shared_memory_type: 'sysv',
      }
      const child = spawn('postgres', [
        ...['-D', data],
        ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ])
      const server = await serverOf(child, port, began, outputOf(child))
      return {
        ...server,
        async stop() {
          await server.stop()
          if (ephemeral) tree.removeDirectory(ephemeral)
        },
      }
    },
  }
}
