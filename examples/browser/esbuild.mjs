import { cpSync } from 'node:fs'
import { build } from 'esbuild'
import { nodeModules } from './node-modules.mjs'
import './files.mjs'

await build({
  entryPoints: ['src/page.js', 'src/worker.js'],
  outdir: 'dist/src',
  bundle: true,
  format: 'esm',
  platform: 'browser',
  alias: nodeModules,
})
cpSync('public', 'dist', { recursive: true })
cpSync('index.html', 'dist/index.html')
