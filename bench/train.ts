/**
 * `npm run profile`: makes profile.txt anew, which tells clang what runs often (profile.ts). It builds programs that count,
 * runs a server of them under typical work, and merges the counts of all its processes. To be run when PostgreSQL's
 * version, a patch of hot code or training.sql has changed. It takes about ten minutes.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { logFile, repository } from '../wasm/build/paths.js'
import { COUNTS, PROFILE } from '../wasm/build/profile.js'
import { compactProfile } from '../wasm/build/profile-text.js'
import { getToolchain } from '../wasm/build/toolchain.js'
import { connect } from './client.js'
import { ours } from './ours.js'
import { repaired } from './raw-profile.js'

/** Short transactions in each of several ways to send them. */
const TRANSACTIONS = 3000

const system = ours()
const folder = system.makeDirectory('training')
try {
  build({ PGLITE_IMPORTS_TRAINING: '1' })
  await train()
  await merge()
} finally {
  system.removeDirectory(folder)
  // That of initdb, which the build has run here.
  rmSync(join(repository, COUNTS), { recursive: true, force: true })
}
build({})

function build(environment: Record<string, string>): void {
  const { status } = spawnSync(process.execPath, [join(repository, 'dist/wasm/build/main.js')], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(1)
}

async function train(): Promise<void> {
  const server = await system.start(folder)
  try {
    await session(server.port, statements)
    await session(server.port, client => transactions(client, 'simple'))
    await Promise.all([
      session(server.port, client => transactions(client, 'extended')),
      session(server.port, client => transactions(client, 'prepared')),
    ])
  } finally {
    await server.stop()
  }
}

async function session(port: number, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await connect(port)
  await work(client)
  await client.end()
}

async function statements(client: pg.Client): Promise<void> {
  const text = readFileSync(join(repository, 'bench', 'training.sql'), 'utf8')
  for (const statement of text.trim().split(/\n\n+/))
    await client.query(statement.replaceAll('@FOLDER@', folder))
}

/** What pgbench's scripts do. */
async function transactions(client: pg.Client, way: 'simple' | 'extended' | 'prepared'): Promise<void> {
  const run = (text: string, values: number[]) => {
    if (way === 'simple')
      return client.query(text.replace(/\$(\d)/g, (_, i) => String(values[Number(i) - 1])))
    return client.query({ text, values, ...(way === 'prepared' ? { name: text.slice(0, 60) } : {}) })
  }
  for (let i = 0; i < TRANSACTIONS; i++) {
    const id = 1 + ((i * 7919) % 20_000)
    await run('select balance from account where id = $1', [id])
    if (i % 4 > 0) continue
    await run('begin', [])
    await run('update account set balance = balance + $1 where id = $2', [i, id])
    await run('select balance, owner from account where id = $1', [id])
    await run(
      "insert into entry (account, amount, made, kind, note) values ($1, $2, localtimestamp, 'fee', 'short')",
      [id, i],
    )
    await run('select * from entry where account = $1 order by made desc limit 5', [id])
    await run('commit', [])
  }
}

async function merge(): Promise<void> {
  const toolchain = await getToolchain({ detail: () => {} })
  const inside = `${toolchain.work}/training`
  rmSync(toolchain.outside(inside), { recursive: true, force: true })
  cpSync(join(folder, COUNTS), toolchain.outside(inside), { recursive: true })
  const counts = readdirSync(toolchain.outside(inside), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.profraw'))
    .map(name => `${inside}/${name}`)
  for (const file of counts.map(toolchain.outside)) writeFileSync(file, repaired(readFileSync(file)))
  console.log(`${counts.length} files of counts`)
  await toolchain.run(['llvm-profdata', 'merge', '--text', ...counts, '-o', `${inside}/merged.txt`], {
    log: logFile('training'),
    doing: 'merge the counts of the training run',
  })
  writeFileSync(PROFILE, compactProfile(readFileSync(toolchain.outside(`${inside}/merged.txt`), 'utf8')))
  rmSync(toolchain.outside(inside), { recursive: true, force: true })
}
