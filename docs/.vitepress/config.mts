/** The documentation site: the repository's documents as they are, with search. `npm run docs` builds it; a dead link fails the build. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'

const repository = fileURLToPath(new URL('../..', import.meta.url))

const titleOf = (file: string) => /^# (.*)$/m.exec(readFileSync(join(repository, file), 'utf8'))?.[1] ?? file

/** The documents of a folder, for the list at the side. */
function pages(folder: string) {
  const names = readdirSync(join(repository, folder)).filter(name => name.endsWith('.md') && name !== 'index.md')
  return names.map(name => ({
    text: titleOf(`${folder}/${name}`).replaceAll('`', ''),
    link: `/${folder}/${name.replace('.md', '')}`,
  }))
}

/** Where a document's link leads in the site; undefined for files of the repository that are no documents. */
function target(link: string, document: string): string | undefined {
  if (/^(https?:|mailto:|#)/.test(link)) return link
  const [path = '', hash] = link.split('#')
  const file = resolve(repository, dirname(document), path)
  if (!existsSync(file)) return link
  const page = statSync(file).isDirectory() ? join(file, 'README.md') : file
  if (!page.endsWith('.md') || !existsSync(page)) return undefined
  return `/${relative(repository, page)}${hash === undefined ? '' : `#${hash}`}`
}

const api = existsSync(join(repository, 'docs/api'))

export default defineConfig({
  title: 'pglite-imports-server',
  description: 'PostgreSQL 18 as one WebAssembly module whose I/O is imported',
  srcDir: '..',
  outDir: '../docs-site',
  cacheDir: '../node_modules/.cache/vitepress',
  srcExclude: ['**/node_modules/**', 'dist/**', 'docs-site/**', 'test/fixtures/**', 'test/postgres/results/**', 'bench/results/**'],
  rewrites: { 'README.md': 'index.md', ':a/README.md': ':a/index.md', ':a/:b/README.md': ':a/:b/index.md', 'docs/api/:rest*/README.md': 'docs/api/:rest*/index.md' },
  // Links to addresses on the reader's own machine.
  ignoreDeadLinks: 'localhostLinks',
  markdown: {
    // What looks like HTML in docstrings, such as <port>, stands for something.
    html: false,
    config: markdown => {
      markdown.core.ruler.push('links-of-the-repository', state => {
        const document: string = state.env.relativePath
        for (const { children } of state.tokens)
          for (const token of children ?? []) {
            if (token.type !== 'link_open') continue
            const link = token.attrGet('href') ?? ''
            if (document.startsWith('docs/api/')) continue
            const leads = target(link, document === 'index.md' ? 'README.md' : document)
            if (leads !== undefined) token.attrSet('href', leads)
            else {
              token.tag = 'span'
              token.attrs = []
            }
          }
      })
      markdown.renderer.rules.link_close = (tokens, index, options, _, self) => {
        let at = index
        while (tokens[at]!.type !== 'link_open') at--
        tokens[index]!.tag = tokens[at]!.tag
        return self.renderToken(tokens, index, options)
      }
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Guides', link: '/docs/guides/' },
      ...(api ? [{ text: 'API', link: '/docs/api/' }] : []),
      { text: 'Changes', link: '/CHANGELOG' },
    ],
    sidebar: [
      { text: 'Start', items: [{ text: 'What it is', link: '/' }] },
      { text: 'Guides', collapsed: false, items: pages('docs/guides') },
      { text: 'Documents', collapsed: false, items: pages('docs') },
      ...(api ? [{ text: 'Reference', items: [{ text: 'API', link: '/docs/api/' }] }] : []),
    ],
  },
})
