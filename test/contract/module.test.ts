/** The module's contract with its host: what it imports, and that one call serves one input. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from 'pglite-imports-server'
import { createPGliteImportHandler, createPostgresModule, PostgresExit } from 'pglite-imports-server/wasm'
import { beforeAll, describe, expect, it } from 'vitest'
import { mapSections, Section } from '../../wasm/build/wasm-binary.js'
import { imageSize } from '../../wasm/machine/program.js'
import { headerOf } from '../../wasm/protocol/messages.js'
import { query } from '../fixtures/raw-connection.js'

const wasm = readFileSync(new URL('../../wasm/dist/postgres.wasm', import.meta.url))
const header = (name: string) => readFileSync(new URL(`../../c/${name}`, import.meta.url), 'utf8')

describe('the imports of postgres.wasm', () => {
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(wasm))
  const of = (module: string) => imports.filter(entry => entry.module === module).map(({ name }) => name)
  /** Names that a header declares as imports of the other side. */
  const declared = (file: string, pattern: RegExp) =>
    [...header(file).matchAll(pattern)].map(match => match[1]!)

  it('come from three modules', () => {
    expect(new Set(imports.map(({ module }) => module))).toEqual(new Set(['env', 'kernel', 'host']))
  })

  it("env has the client's two and what a position independent module needs", () => {
    expect(of('env').sort()).toEqual(
      [
        ...declared('pglite-comm-imports.h', /import_name\("(\w+)"\)/g),
        ...['memory', '__indirect_function_table', '__memory_base', '__stack_pointer', '__table_base'],
      ].sort(),
    )
  })

  it('kernel and host have only what their headers declare', () => {
    const kernel = declared('kernel/kernel.h', /KERNEL\((sys_\w+)\)/g)
    const host = declared('host-imports.h', /HOST_IMPORT\((\w+)\)/g)
    expect(of('kernel').filter(name => !kernel.includes(name))).toEqual([])
    expect(of('host').filter(name => !host.includes(name))).toEqual([])
  })
})

describe('the data of postgres.wasm', () => {
  const module = new WebAssembly.Module(wasm)

  it('are constants that all processes share, but for 400 kB', () => {
    expect(imageSize(module).data).toBeLessThan(400_000)
  })

  it('has constants that stay what they are, whatever a process does', async () => {
    const handler = createPGliteImportHandler()
    const mod = await createPostgresModule({ client: handler.imports })
    handler.setModule(mod)
    const sql =
      "select upper('ä'), to_char(now(), 'Day'), xpath('//a', '<a/>'), to_tsvector('english', 'dogs'); select 1/0"
    const bytes = query(sql)
    handler.setInput(bytes)
    mod._interactive_one(bytes.length, bytes[0])
    expect(types(handler.getOutput())).toMatch(/TDC.*E/)
    const [section] = WebAssembly.Module.customSections(module, 'constants')
    const { at, start, end } = JSON.parse(Buffer.from(section!).toString())
    let constants = Buffer.alloc(0)
    mapSections(wasm, (id, data) => {
      if (id === Section.Data)
        data.vector(() => {
          data.unsigned()
          const segment = Buffer.from(data.bytesCounted())
          if (segment.length === end - start) constants = segment
        })
      return undefined
    })
    expect(constants.length).toBeGreaterThan(1_000_000)
    expect(constants.equals(new Uint8Array(mod.memory.buffer, at, end - start))).toBe(true)
  })
})

/** The type bytes of backend messages, in order. */
function types(output: readonly Uint8Array[]): string {
  const bytes = Buffer.concat(output)
  let result = ''
  for (let at = 0; at < bytes.length; ) {
    const { type, length } = headerOf(bytes.subarray(at), true)!
    result += type
    at += length
  }
  return result
}

describe('a backend without server and threads', () => {
  const handler = createPGliteImportHandler()
  let mod: Awaited<ReturnType<typeof createPostgresModule>>
  const run = (bytes: Buffer) => {
    handler.setInput(bytes)
    mod._interactive_one(bytes.length, bytes[0])
    return handler.getOutput()
  }
  const text = (output: readonly Uint8Array[]) => Buffer.concat(output).toString('latin1')

  beforeAll(async () => {
    const wasmModule = new WebAssembly.Module(wasm)
    const PostgresModFactory = createPostgresModule
    mod = await PostgresModFactory({
      instantiateWasm: (imports, callback) => {
        const merged = { ...imports, env: { ...imports.env, ...handler.imports } }
        WebAssembly.instantiate(wasmModule, merged).then(instance => callback(instance, wasmModule))
        return {}
      },
    })
    handler.setModule(mod)
  })

  it('answers a query that nothing came before', () => {
    const queryBytes = query('select 6 * 7 as answer')
    handler.setInput(queryBytes)
    mod._interactive_one(queryBytes.length, queryBytes[0])
    const results = handler.getOutput()
    expect(types(results)).toBe('TDCZ')
    expect(text(results)).toContain('42')
  })

  it('goes on after an error', () => {
    expect(types(run(query('select 1/0')))).toBe('EZ')
    expect(types(run(query('select 1')))).toBe('TDCZ')
  })

  it('keeps a transaction open from call to call', () => {
    expect(text(run(query('begin; create table t (a int)'))).at(-1)).toBe('T') // in a transaction
    expect(text(run(query('insert into t select generate_series(1, 1000); select sum(a) from t')))).toContain(
      '500500',
    )
    expect(types(run(query('rollback')))).toBe('CZ')
    expect(text(run(query('select * from t')))).toContain('42P01')
  })

  it('takes messages in pieces and several at a time', () => {
    const both = Buffer.concat([query("select 'first'"), query("select 'second'")])
    expect(run(both.subarray(0, 3))).toEqual([])
    expect(text(run(both.subarray(3, 30)))).toContain('first')
    expect(text(run(both.subarray(30)))).toContain('second')
  })

  it('catches exceptions in PL/pgSQL and searches texts', () => {
    run(query("do $$ begin perform 1/0; exception when division_by_zero then raise notice 'caught'; end $$"))
    expect(text(run(query("select to_tsvector('english', 'running dogs')")))).toContain("'dog':2 'run':1")
  })

  it('ends a recursion that is too deep with an error', () => {
    run(query('create function f(int) returns int language plpgsql as $$ begin return f($1 + 1); end $$'))
    expect(text(run(query('select f(1)')))).toContain('54001')
    expect(types(run(query('select 1')))).toBe('TDCZ')
  })

  it('ends when the client terminates the session', () => {
    const terminate = Buffer.from([0x58, 0, 0, 0, 4])
    handler.setInput(terminate)
    expect(() => mod._interactive_one(terminate.length, terminate[0])).toThrow(PostgresExit)
  })

  it('begins a session as the startup packet says', async () => {
    const own = createPGliteImportHandler()
    const other = await createPostgresModule({ client: own.imports })
    own.setModule(other)
    const parameters = Buffer.from('user\0postgres\0database\0template1\0application_name\0contract\0\0')
    const startup = Buffer.concat([Buffer.from([0, 0, 0, 8 + parameters.length, 0, 3, 0, 0]), parameters])
    own.setInput(startup)
    other._interactive_one(startup.length, startup[0])
    expect(types(own.getOutput())).toMatch(/^RS+KZ$/)
    const ask = query("select current_database(), current_setting('application_name')")
    own.setInput(ask)
    other._interactive_one(ask.length, ask[0])
    expect(text(own.getOutput())).toMatch(/template1.*contract/s)
  })
})

describe('the end of such a backend', () => {
  async function backend(log: string[] = []) {
    const handler = createPGliteImportHandler()
    const mod = await createPostgresModule({ client: handler.imports, onLog: text => log.push(text) })
    handler.setModule(mod)
    const run = (bytes: Buffer) => {
      handler.setInput(bytes)
      mod._interactive_one(bytes.length, bytes[0])
    }
    return { handler, run }
  }

  it('is told by its exit code, and by that again', async () => {
    const { handler, run } = await backend()
    run(query('select 1'))
    handler.endInput()
    expect(() => run(Buffer.alloc(0))).toThrow(expect.objectContaining({ exitCode: 0 }))
    expect(() => run(query('select 1'))).toThrow(expect.not.objectContaining({ cause: expect.anything() }))
  })

  it('is a crash, told in the log, where something else is thrown through it', async () => {
    const log: string[] = []
    const { handler, run } = await backend(log)
    const cause = new Error('no code catches this')
    handler.onOutput = () => {
      throw cause
    }
    expect(() => run(query('select 1'))).toThrow(expect.objectContaining({ exitCode: 128 + 11, cause }))
    expect(log.at(-1)).toMatch(/^process \d+ crashed: Error: no code catches this\n/)
    expect(() => run(query('select 1'))).toThrow(PostgresExit)
  })

  it('leaves no file open', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'module-test-'))
    try {
      await (await startServer({ dataDir, port: 0 })).stop()
      const open = () =>
        readdirSync('/proc/self/fd').filter(fd => {
          try {
            return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dataDir)
          } catch {
            return false // That of the list itself.
          }
        })
      const handler = createPGliteImportHandler()
      const mod = await createPostgresModule({ client: handler.imports, dataDir })
      handler.setModule(mod)
      const ask = query('select count(*) from pg_class')
      handler.setInput(ask)
      mod._interactive_one(ask.length, ask[0])
      expect(open()).not.toEqual([])
      handler.endInput()
      expect(() => mod._interactive_one(0)).toThrow(PostgresExit)
      expect(open()).toEqual([])
    } finally {
      rmSync(dataDir, { recursive: true })
    }
  })
})

describe('a command line that the backend cannot have is refused:', () => {
  const settings = (count: number, length: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`test.setting_${i}`, 'x'.repeat(length)]))

  it.each([
    [
      'one that is longer than a page',
      settings(1, 70_000),
      /^the command line is too long: it has 11 arguments, in 70\d+ bytes/,
    ],
    [
      'one that fits only without the vector of its arguments',
      settings(1, 65_400),
      /^the command line is too long: .* and 65536 bytes for them$/,
    ],
    [
      'one of too many arguments',
      settings(600, 1),
      /^the command line is too long: it has 12\d\d arguments.* can have 1023,/,
    ],
    ['one with a NUL byte', { 'test.setting': 'a\0-c' }, /^"test.setting=a\\u0000-c" has a NUL byte in it$/],
  ])('%s', async (_, refused, message) => {
    await expect(createPostgresModule({ settings: refused })).rejects.toThrow(message)
  })
})
