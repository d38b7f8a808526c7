/** The database that PostgreSQL's core tests leave behind, made once on a native server, and opened by both sides in a copy each. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { getNativeTree } from '../../../bench/native-tree.js'
import { startServer } from '../../../server/index.js'
import { initNative, startNativeOn } from '../../fixtures/native-server.js'
import { install } from '../../postgres/installation.js'
import { runPgRegress } from '../../postgres/pg-regress.js'
import { Client } from '../servers.js'

const DATABASE = 'regression'

/** What the tests need, and nothing that works on tables by itself meanwhile. */
const SETTINGS = { max_connections: '60', max_prepared_transactions: '2', autovacuum: 'off' }

/** Statements that one side would answer by what is in its memory. */
const SESSION = ['set search_path = public', 'set jit = off', "set datestyle = 'Postgres, MDY'"]

export async function startOnRegressionDatabase(): Promise<{ ours: Client; native: Client }> {
  const tree = await getNativeTree()
  const directory = tree.makeDirectory(`differential-regression-${process.pid}`)
  await initNative(tree, directory, ['--wal-segsize=1'])
  const maker = await startNativeOn(tree, directory, SETTINGS)
  const installation = await install(process.execPath)
  try {
    const environment = { PGUSER: 'postgres', LC_ALL: 'C' }
    const server = { port: maker.port, environment, stop: () => Promise.resolve([]) }
    const results = installation.makeFolder('results')
    const schedule = ['--schedule=parallel_schedule', '--max-connections=10']
    await runPgRegress('regression', installation, 'src/test/regress', results, server, schedule)
  } finally {
    installation.remove()
    await maker.stop()
  }
  const copy = `${directory}-copy`
  spawnSync('cp', ['-a', join(tree.root, directory), join(tree.root, copy)])
  spawnSync('chown', ['-R', String(process.getuid!()), join(tree.root, copy)])
  const native = await startNativeOn(tree, directory, SETTINGS)
  const settings = { ...SETTINGS, fsync: 'off' }
  const ours = await startServer({ port: 0, host: '127.0.0.1', dataDir: join(tree.root, copy), settings })
  return {
    native: new Client(
      native.port,
      async () => {
        await native.kill()
        tree.removeDirectory(directory)
      },
      DATABASE,
      SESSION,
    ),
    ours: new Client(
      ours.port,
      async () => {
        await ours.stop('immediate')
        tree.removeDirectory(copy)
      },
      DATABASE,
      SESSION,
    ),
  }
}
