import { defineConfig } from 'vite'
import { nodeModules } from './node-modules.mjs'
import './files.mjs'

export default defineConfig({
  resolve: {
    alias: Object.entries(nodeModules).map(([name, replacement]) => ({
      find: new RegExp(`^${name}$`),
      replacement,
    })),
  },
  worker: { format: 'es' },
})
