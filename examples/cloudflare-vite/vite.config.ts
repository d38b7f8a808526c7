import { cloudflare } from '@cloudflare/vite-plugin'
import { defineConfig } from 'vite'

export default defineConfig({
  plugins: [cloudflare()],
  environments: {
    // The Worker's name in wrangler.jsonc.
    database: {
      // `vite dev` joins dependencies to one file each, and would take the server's files for text.
      optimizeDeps: { exclude: ['pglite-imports-server/workers/module'] },
    },
  },
})
