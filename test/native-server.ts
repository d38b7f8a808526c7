/** PostgreSQL 18 as Debian has it, as a server to exchange data with: see bench/native-tree.ts. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import pg from 'pg'
import { getNativeTree } from '../bench/native-tree.js'
import { freePort } from '../bench/system.js'
import { until } from './until.js'

export interface NativeServer {
  readonly port: number
  connect(): Promise<pg.Client>
  stop(): Promise<void>
}

/** Starts one on a new cluster, with trust in everybody who connects from this machine. */
export async function startNativeServer(settings: Readonly<Record<string, string>>): Promise<NativeServer> {
  const tree = await getNativeTree()
  const directory = tree.makeDirectory(`test-${process.pid}`)
  const initdb = tree.spawn('initdb', [
    '-U',
    'postgres',
    '--auth=trust',
    '-E',
    'UTF8',
    '--no-locale',
    '--no-sync',
    '-D',
    directory,
  ])
  await ended(initdb, 0)
  const port = await freePort()
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    // The tree has no /dev/shm.
    dynamic_shared_memory_type: 'sysv',
    ...settings,
  }
  const postmaster = tree.spawn('postgres', [
    ...['-D', directory],
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ])
  const clients: pg.Client[] = []
  const connect = async () => {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    client.on('error', () => {})
    await client.connect()
    clients.push(client)
    return client
  }
  await until('the native server accepts connections', () =>
    connect().then(
      () => true,
      () => false,
    ),
  )
  return {
    port,
    connect,
    async stop() {
      await Promise.all(clients.map(client => client.end()))
      const end = ended(postmaster, 0)
      postmaster.kill('SIGINT')
      await end
      tree.removeDirectory(directory)
    },
  }
}

async function ended(child: ChildProcess, wanted: number): Promise<void> {
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', text => {
      output += text
    })
  const [code] = await once(child, 'close')
  if (code !== wanted) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}:\n${output}`)
}
