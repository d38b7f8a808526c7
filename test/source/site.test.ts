/** The documentation site is built of the documents, and no link in them is dead. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../../wasm/build/paths.js'

test('VitePress builds the site, and finds no dead link', () => {
  const folder = mkdtempSync(join(tmpdir(), 'site-'))
  try {
    const vitepress = join(repository, 'node_modules/.bin/vitepress')
    execFileSync(vitepress, ['build', 'docs', '--outDir', folder], { cwd: repository, stdio: 'pipe' })
    const guides = readFileSync(join(folder, 'docs/guides/index.html'), 'utf8')
    expect(guides.includes('href="/docs/guides/vitest.html"')).toBe(true)
    expect(
      readdirSync(join(folder, 'assets/chunks')).filter(name => /^@localSearchIndex/.test(name)),
    ).toHaveLength(1)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 180_000)
