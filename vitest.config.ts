/** Tests run against the compiled package, which `npm test` builds first: threads need JavaScript files. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/abuse/**'],
    globalSetup: 'test/native-programs.ts',
    // The package imports itself by its name; what that leads to is to run as it is, not transformed.
    server: { deps: { external: [/\/dist\//] } },
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    allowOnly: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
})
