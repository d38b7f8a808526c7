/** Modules that a process links with itself when it first needs them; see wasm/machine/loadable-modules.ts. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { imageSize, symbol } from '../../wasm/machine/program.js'
import { useServer } from '../fixtures/server.js'

const dist = new URL('../../wasm/dist/', import.meta.url)
const compile = (name: string) => new WebAssembly.Module(readFileSync(new URL(name, dist)))

describe('the loadable modules', () => {
  const exportsOf = (name: string) => WebAssembly.Module.exports(compile(name)).map(({ name }) => name)
  const program = compile('postgres.wasm')
  const provided = exportsOf('postgres.wasm')
  provided.push('memory', '__stack_pointer', '__memory_base', '__table_base', '__indirect_function_table')

  const files = readdirSync(new URL('lib', dist)).filter(name => name.endsWith('.wasm'))
  it.each(files)('%s imports only what others export', name => {
    const module = compile(`lib/${name}`)
    const imports = WebAssembly.Module.imports(module)
    expect(imports.filter(entry => !['env', 'GOT.mem', 'GOT.func'].includes(entry.module))).toEqual([])
    const known = new Set([
      ...provided,
      ...imageSize(module).needed.flatMap(library => exportsOf(`lib/${library}.wasm`)),
    ])
    expect(imports.filter(({ name }) => !known.has(name) && symbol(program, name) === undefined)).toEqual([])
  })

  it('find the functions of postgres.wasm in its function table, not among its exports', () => {
    const place = symbol(program, 'palloc') ?? 0
    expect(place).toBeGreaterThan(0)
    expect(place).toBeLessThanOrEqual(imageSize(program).table)
    expect(symbol(program, 'repalloc')).not.toBe(place)
    expect(symbol(program, 'constructor')).toBeUndefined()
    expect(exportsOf('postgres.wasm').filter(name => symbol(program, name) !== undefined)).toEqual([])
  })
})

describe('a session', () => {
  const server = useServer()

  it('goes on after errors that a module reports', async () => {
    const client = await server.connect()
    for (let i = 0; i < 3; i++)
      await expect(client.query(`select convert_from('\\x81', 'WIN1252')`)).rejects.toMatchObject({
        code: '22P05',
      })
    const { rows } = await client.query(`select encode(convert_to('あ', 'SJIS'), 'hex') as sjis`)
    expect(rows).toEqual([{ sjis: '82a0' }])
  })

  it('catches in one module what another reports', async () => {
    const client = await server.connect()
    await client.query(`create function caught() returns int language plpgsql as $$
      declare n int := 0;
      begin
        for i in 1..100 loop
          begin
            perform convert_from('\\x81', 'WIN1252');
          exception when untranslatable_character then
            n := n + 1;
          end;
        end loop;
        return n;
      end $$`)
    expect((await client.query('select caught()')).rows).toEqual([{ caught: 100 }])
  })

  it.each([
    ['EUC_JP', 'あ', 2],
    ['LATIN1', 'é', 1],
    ['WIN1252', '€', 1],
  ])('stores texts in a database with the encoding %s', async (encoding, text, bytes) => {
    const client = await server.connect()
    const name = `in_${encoding.toLowerCase()}`
    await client.query(
      `create database ${name} encoding '${encoding}' template template0 locale_provider libc locale 'C'`,
    )
    const other = await server.connect({ database: name })
    const { rows } = await other.query('select $1::text as text, octet_length($1) as bytes', [text])
    expect(rows).toEqual([{ text, bytes }])
  })

  it('says which file it cannot load', async () => {
    const client = await server.connect()
    await expect(client.query("load 'no_such_module'")).rejects.toMatchObject({ code: '58P01' })
    await expect(
      client.query(`create function f() returns int language c as '$libdir/plpgsql', 'no_such_function'`),
    ).rejects.toMatchObject({ code: '42883' })
  })
})
