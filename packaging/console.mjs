/** Writes dist/server/console/page/: the console's page as one script, one style sheet and one document. */
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'server/console/page')
const target = join(root, 'dist/server/console/page')

rmSync(target, { recursive: true, force: true })
mkdirSync(target, { recursive: true })
await build({
  absWorkingDir: root,
  entryPoints: { console: join(source, 'main.tsx') },
  outdir: target,
  bundle: true,
  minify: true,
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  logLevel: 'warning',
})
copyFileSync(join(source, 'index.html'), join(target, 'index.html'))
