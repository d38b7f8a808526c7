/** workerd, the real runtime of Cloudflare Workers, with a Worker in it that has Durable Objects of a class `Database`. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { build } from 'esbuild'

/** Its executable's path. */
const { default: workerd } = createRequire(import.meta.url)('workerd') as { default: string }

/** Modules of Node's that drivers require without saying so. */
const NODE = 'assert buffer child_process crypto dns events fs net os path stream string_decoder tls url util'

/**
 * Makes a folder with all that workerd reads and writes.
 *
 * @param entry the Worker's source
 * @param artefacts the package's `wasm/dist`
 * @param kind what comes to the Worker; TCP needs workerd's --experimental
 */
export async function makeRuntimeFolder(
  entry: string,
  artefacts: string,
  kind: 'http' | 'tcp' = 'http',
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'workerd-'))
  mkdirSync(join(folder, 'storage'))
  symlinkSync(artefacts, join(folder, 'artefacts'))
  await build({
    entryPoints: [entry],
    outfile: join(folder, 'worker.js'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker'],
    external: [
      ...['node:*', 'cloudflare:*', '*.wasm', '*.so', '*.bin', 'pg-native', 'pg-cloudflare'],
      ...NODE.split(' '),
    ],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('/');" },
    logLevel: 'error',
  })
  const wasm = [
    ...['kernel.wasm', 'postgres.wasm'],
    ...readdirSync(join(artefacts, 'lib')).map(name => `lib/${name}`),
  ]
  const modules = [
    '(name = "worker.js", esModule = embed "worker.js")',
    ...['files.bin', 'share/icu.bin'].map(name => `(name = "${name}", data = embed "artefacts/${name}")`),
    ...wasm.map(name => `(name = "${name}", wasm = embed "artefacts/${name}")`),
  ]
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "storage", disk = (path = "${join(folder, 'storage')}", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", ${kind} = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = "2026-11-01",
  durableObjectNamespaces = [(className = "Database", uniqueKey = "database", enableSql = true)],
  durableObjectStorage = (localDisk = "storage"),
  bindings = [(name = "DATABASE", durableObjectNamespace = "Database")],
);
`,
  )
  return folder
}

export interface Runtime {
  readonly child: ChildProcess
  /** Where it listens on 127.0.0.1, and where its inspector does. */
  readonly port: number
  readonly inspector: number
}

/**
 * @param onOutput is told what it prints
 * @param further options of workerd's
 */
export function startRuntime(
  folder: string,
  onOutput: (text: string) => void,
  further: readonly string[] = [],
): Promise<Runtime> {
  const options = ['--control-fd=3', '--inspector-addr=127.0.0.1:0', ...further]
  const child = spawn(workerd, ['serve', join(folder, 'config.capnp'), ...options], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', text => {
      output = (output + text).slice(-20_000)
      onOutput(String(text))
    })
  return new Promise((resolve, reject) => {
    const control = child.stdio[3] as Readable
    const failed = (code: number | null) => reject(new Error(`workerd ended with ${code}:\n${output}`))
    let said = ''
    control.on('data', text => {
      said += text
      const [, inspector] = /"listen-inspector","port":(\d+)/.exec(said) ?? []
      const [, port] = /"listen","socket":"http","port":(\d+)/.exec(said) ?? []
      if (port === undefined || inspector === undefined) return
      child.off('exit', failed)
      resolve({ child, port: Number(port), inspector: Number(inspector) })
    })
    child.on('exit', failed)
  })
}
