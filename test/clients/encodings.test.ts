/** Databases and clients in other encodings than UTF-8: here as on native PostgreSQL, with its psql and pg_dump and with those of this package. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { dist } from '../../wasm/build/paths.js'
import { connectionTo, type Program, program18 } from '../fixtures/native-programs.js'
import { type NativeServer, startNativeServer } from '../fixtures/native-server.js'
import { useServer } from '../fixtures/server.js'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const server = useServer()
let native: NativeServer
beforeAll(async () => {
  native = await startNativeServer({})
})
afterAll(() => native?.stop())

const own =
  (name: string): Program =>
  (args, env) =>
    spawn(join(dist, 'commands', name), args, { stdio: 'pipe', env: { ...process.env, ...env } })

/** The bytes that a program prints. It has to succeed. */
async function bytesOf(
  program: Program,
  args: string[],
  env: NodeJS.ProcessEnv,
  input: Uint8Array = Buffer.alloc(0),
): Promise<Buffer> {
  const child = program(args, env)
  const [output, errors]: [Buffer[], Buffer[]] = [[], []]
  child.stdout!.on('data', part => output.push(part))
  child.stderr!.on('data', part => errors.push(part))
  child.stdin!.end(input)
  const code = await new Promise(resolve => child.on('close', resolve))
  expect([code, Buffer.concat(errors).toString('latin1')]).toEqual([0, ''])
  return Buffer.concat(output)
}

/** Each with a text in that encoding, and its length in characters. */
const ENCODINGS = [
  ['LATIN1', 'c4726765722066fc72', 9],
  ['WIN1252', '80209366fc729420e4', 9],
  ['KOI8R', 'f0d2c9d7c5d42cf0d3', 9],
  ['EUC_JP', 'c6fccbdcb8ec20a4a2a5a2', 6],
] as const

test.each(ENCODINGS)(
  '%s: psql sends and gets it, pg_dump writes it, and a restore has the same',
  async (encoding, hex, length) => {
    const text = Buffer.from(hex, 'hex')
    const quoted = (before: string, after: string) =>
      Buffer.concat([Buffer.from(before), text, Buffer.from(after)])
    const name = encoding.toLowerCase()
    const psql = await program18('psql')
    const dumps: Buffer[] = []
    for (const { port } of [server, native])
      for (const [kind, ownPsql, pgDump] of [
        ['native', psql, await program18('pg_dump')],
        ['own', own('psql'), own('pg_dump')],
      ] as const) {
        const database = `${name}_${kind}`
        const env = { ...connectionTo({ port }), PGCLIENTENCODING: encoding }
        const there = { ...env, PGDATABASE: database }
        const make = (which: string) =>
          `create database ${which} encoding '${encoding}' locale 'C' template template0`
        await bytesOf(ownPsql, ['-XAtq', '-c', make(database)], env)
        const input = quoted(
          `create table t (v text); insert into t values ('`,
          `'); select length(v), v, upper(v), v ~ '^\\w+' from t;
        create table made as select initcap(v) as v, to_char(7, '"' || left(v, 1) || '"9') from t;`,
        )
        const shown = await bytesOf(ownPsql, ['-XAtq'], there, input)
        expect(shown.subarray(0, text.length + 2)).toEqual(quoted(`${length}|`, ''))
        const dump = await bytesOf(pgDump, ['--restrict-key=none'], there)
        expect(dump.includes(text)).toBe(true)
        expect(dump.includes(`SET client_encoding = '${encoding}'`)).toBe(true)
        await bytesOf(ownPsql, ['-XAtq', '-c', make(`${database}_again`)], env)
        const again = { ...env, PGDATABASE: `${database}_again` }
        await bytesOf(ownPsql, ['-Xq', '-o', '/dev/null'], again, dump)
        expect(await bytesOf(pgDump, ['--restrict-key=none'], again)).toEqual(dump)
        dumps.push(Buffer.concat([shown, dump]))
      }
    for (const dump of dumps) expect(withoutVersions(dump)).toEqual(withoutVersions(dumps[0]!))
  },
)

/** A dump without the lines that name the versions of server and program. */
function withoutVersions(dump: Buffer): string {
  return dump.toString('latin1').replace(/^-- Dumped (from|by) .*$/gm, '')
}
