/** Who may use the console, and that a server without one does not load it. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { dirname, join } from 'node:path'
import { startServer } from 'pglite-imports-server'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { repository } from '../../wasm/build/paths.js'
import { Command } from '../fixtures/command.js'
import { consoleUrl } from '../fixtures/console-page.js'
import { useServer } from '../fixtures/server.js'

// Node's own HTTP module compiles a parser when it is loaded.
const server = useServer({ args: ['--console'], ban: false })
const url = () => consoleUrl(server.output)

interface Answer {
  status: number
  headers: Record<string, unknown>
  text: string
}

/** What the server answers to a GET with these headers, which may be such as browsers never send. */
function get(address: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(address, { headers }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', part => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
    })
    sent.on('error', reject).end()
  })
}

/** How a WebSocket ends that asks for a session. */
function webSocket(address: string, headers: Record<string, string>): Promise<string> {
  return new Promise(resolve => {
    const socket = new WebSocket(address.replace('http', 'ws'), { headers })
    socket.on('open', () => {
      socket.terminate()
      resolve('open')
    })
    socket.on('unexpected-response', (_, { statusCode }) => resolve(String(statusCode)))
    socket.on('error', error => resolve(error.message))
  })
}

describe('the token', () => {
  test('opens the page and its parts', async () => {
    const page = await get(url())
    expect(page).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
    for (const part of ['console.js', 'console.css']) {
      expect(page.text).toContain(`"${part}"`)
      expect((await get(url() + part)).status).toBe(200)
    }
    expect(JSON.parse((await get(`${url()}login.json`)).text)).toEqual({
      user: 'postgres',
      database: 'postgres',
    })
    expect((await get(`${url()}nosuch`)).status).toBe(404)
    expect((await get(`${url()}..%2f..%2fpackage.json`)).status).toBe(404)
  })

  test('is refused if it is missing, wrong, too short or too long, for whatever is asked', async () => {
    const { origin, pathname } = new URL(url())
    const token = pathname.split('/')[2]!
    const wrong = `${token.startsWith('A') ? 'B' : 'A'}${token.slice(1)}`
    for (const path of ['', '/', `/${wrong}/`, `/${token.slice(1)}/`, `/${token}x/`, `/x/${token}/`]) {
      for (const part of path === '' ? [''] : ['', 'console.js', 'login.json'])
        expect(await get(`${origin}/console${path}${part}`), path).toMatchObject({ status: 403 })
      expect(await webSocket(`${origin}/console${path || '/'}session`, { origin }), path).toBe('403')
    }
    expect((await get(`${origin}/console/`)).text).toMatch(/token is missing or wrong/)
  })

  test('is another one at each start, and nobody can guess it', async () => {
    const other = await startServer({ port: 0, console: true })
    try {
      const tokens = [url(), other.consoleUrl!].map(each => new URL(each).pathname.split('/')[2])
      expect(tokens[0]).toMatch(/^[\w-]{32}$/)
      expect(tokens[1]).toMatch(/^[\w-]{32}$/)
      expect(tokens[1]).not.toBe(tokens[0])
      expect(new URL(other.consoleUrl!).origin).toBe(other.httpUrl)
      expect((await get(other.consoleUrl!)).status).toBe(200)
    } finally {
      await other.stop()
    }
  })
})

describe('with the right token', () => {
  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', ''])(
    'a page that has resolved the name "%s" to this machine is refused',
    async host => {
      const { origin, port } = new URL(url())
      expect((await get(url(), { host: `${host}:${port}` })).status).not.toBe(200)
      expect(await webSocket(`${url()}session`, { host: `${host}:${port}`, origin })).not.toBe('open')
    },
  )

  test.each(['localhost', 'LOCALHOST', '127.0.0.1', '[::1]', '192.0.2.7'])(
    'the server answers at %s',
    async host => {
      expect((await get(url(), { host })).status).toBe(200)
      expect(await webSocket(`${url()}session`, { host, origin: `http://${host}` })).toBe('open')
    },
  )

  test('pages of other origins are refused, also those of this machine', async () => {
    const { hostname, port, host } = new URL(url())
    for (const origin of ['http://evil.example', `http://${hostname}:${Number(port) + 1}`, 'null']) {
      expect((await get(url(), { origin })).status).toBe(403)
      expect(await webSocket(`${url()}session`, { origin, host })).toBe('403')
    }
    expect(await webSocket(`${url()}session`, {})).toBe('403')
  })

  test('the page may run and load its own parts only, is in no frame, and tells nobody its address', async () => {
    const { headers } = await get(url())
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' })
    expect(headers['set-cookie']).toBeUndefined()
  })
})

test('the rules for clients of other machines are those of the server', async () => {
  const command = new Command('-p', '0', '--console', '--http-host', '*')
  expect(await command.closed).toBe(1)
  expect(command.stderr).toMatch(/lets other machines connect.*--insecure-listen/)
})

test('-q prints its URL on a second line, and --json has it', async () => {
  const quiet = new Command('-q', '-p', '0', '--console')
  await quiet.url()
  expect(quiet.stdout).toMatch(/^postgres:\S+\nhttp:\S+\/console\/[\w-]{32}\/\n$/)
  quiet.process.kill('SIGINT')
  const json = new Command('--json', '-p', '0', '--console')
  await json.url()
  expect(JSON.parse(json.stdout).consoleUrl).toMatch(/\/console\/[\w-]{32}\/$/)
  json.process.kill('SIGINT')
  expect([await quiet.closed, await json.closed]).toEqual([0, 0])
})

describe('without --console', () => {
  test('nothing is there', async () => {
    const other = await startServer({ port: 0, http: { port: 0 } })
    try {
      expect(other.consoleUrl).toBeUndefined()
      expect((await get(`${other.httpUrl}/console/`)).status).toBe(404)
      expect(await webSocket(`${other.httpUrl}/console/x/session`, { origin: other.httpUrl! })).toMatch(
        /socket hang up|400|404/,
      )
    } finally {
      await other.stop()
    }
  })

  test('nothing of it is among the files that a start reads', () => {
    const read = importedBy(join(repository, 'dist/bin/pglite-imports-server.js'), new Set())
    expect(read.size).toBeGreaterThan(2)
    const texts = [...read].map(file => readFileSync(file, 'utf8'))
    // What console.ts and visitors.ts say.
    expect(texts.filter(text => /content-security-policy|token is missing/.test(text))).toEqual([])
  })
})

/** The files that are loaded with this one: those that it imports, and that these import, without what is imported later. */
function importedBy(file: string, found: Set<string>): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  for (const statement of source.statements)
    if (
      (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) &&
      statement.moduleSpecifier !== undefined &&
      ts.isStringLiteral(statement.moduleSpecifier) &&
      statement.moduleSpecifier.text.startsWith('.')
    )
      importedBy(join(dirname(file), statement.moduleSpecifier.text), found)
  return found
}

test('the page is one script, one style sheet and one document, and small', () => {
  const folder = join(repository, 'dist/server/console/page')
  const files = readdirSync(folder)
  expect(files.sort()).toEqual(['console.css', 'console.js', 'index.html'])
  const sizes = files.map(name => statSync(join(folder, name)).size)
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(800_000)
})

test('NOTICE has the licence of each library in the page', async () => {
  const { build } = await import('esbuild')
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: ['server/console/page/main.tsx'],
    outdir: 'out',
    bundle: true,
    write: false,
    metafile: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
  })
  const names = Object.keys(metafile.inputs).flatMap(
    path => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [],
  )
  const libraries = [...new Set(names)].sort()
  expect(libraries).toContain('@codemirror/lang-sql')
  const notice = readFileSync(join(repository, 'NOTICE'), 'utf8')
  expect(libraries.filter(name => !new RegExp(`^  ${name}$`, 'm').test(notice))).toEqual([])
})
