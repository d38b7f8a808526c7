import { defineConfig } from 'vite'
import { nodeModules } from './node-modules.mjs'
import './files.mjs'

// With these all browsers give the page a shared memory.
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export default defineConfig({
  resolve: {
    alias: Object.entries(nodeModules).map(([name, replacement]) => ({
      find: new RegExp(`^${name}$`),
      replacement,
    })),
  },
  worker: { format: 'es' },
  server: { headers },
  preview: { headers },
})
