/** Tests run against the compiled package, which `npm test` builds first: threads need JavaScript files. */
import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'

/** Programs of a native PostgreSQL 18. */
const globalSetup = 'test/fixtures/native-programs.ts'

/** What makes pictures, and finds no fault. */
const SCREENSHOTS = 'test/console/screenshots.test.ts'

/** What installs Debian's packages on this machine. */
const INSTALLING = 'test/guides/monitors.test.ts'

/** The server where there is no Node. */
const OTHER_HOSTS = ['test/hosts/**/*.test.ts', 'test/workers/**/*.test.ts']

/** What other projects run. */
const ELSEWHERE = ['test/abuse/**', 'test/projects/**', 'test/windows/**', ...OTHER_HOSTS]

/** `npm test`. */
const tests: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    globalSetup,
    name: 'default',
    include: ['test/**/*.test.ts'],
    exclude: [...ELSEWHERE, INSTALLING, SCREENSHOTS],
  },
}

/** `npm run test:hosts`: the server in Workers, browsers, Deno and Bun. */
const otherHosts: TestProjectInlineConfiguration = {
  extends: true,
  test: { globalSetup, name: 'hosts', include: OTHER_HOSTS },
}

/** `npm run test:one-thread`: what clients see of a server is the same where its processes share a thread. */
const oneThread: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    globalSetup,
    name: 'one-thread',
    include: [
      'test/sessions/**/*.test.ts',
      'test/clients/**/*.test.ts',
      'test/command-line/run-command.test.ts',
    ],
    env: { TEST_ONE_THREAD: '1' },
  },
}

/** `npm run test:abuse`: what clients may do to a server, one after the other, for each has the machine to itself. */
const abuse: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    globalSetup,
    name: 'abuse',
    include: ['test/abuse/**/*.test.ts'],
    poolOptions: { forks: { singleFork: true } },
    testTimeout: process.env.ABUSE === 'long' ? 45 * 60_000 : 300_000,
  },
}

/** `npm run test:projects`: projects that install hundreds of megabytes. */
const others: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    globalSetup,
    name: 'projects',
    include: ['test/projects/**/*.test.ts'],
    poolOptions: { forks: { singleFork: true } },
  },
}

/** `npm run test:guides`: all guides in docs/guides. `npm test` follows those that install little. */
const guides: TestProjectInlineConfiguration = {
  extends: true,
  test: { globalSetup, name: 'guides', include: ['test/guides/**/*.test.ts'], env: { GUIDES: 'all' } },
}

/** `npm run screenshots`: the pictures of the documentation. */
const screenshots: TestProjectInlineConfiguration = {
  extends: true,
  test: { globalSetup, name: 'screenshots', include: [SCREENSHOTS] },
}

/** `npm run test:windows`: the server on Windows, as far as Wine is that, which has to be installed. */
const windows: TestProjectInlineConfiguration = {
  extends: true,
  test: {
    name: 'windows',
    include: ['test/windows/**/*.test.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
}

export default defineConfig({
  test: {
    // Processes share a thread by JSPI, which Node has from 24 on.
    projects: [
      tests,
      otherHosts,
      abuse,
      guides,
      others,
      screenshots,
      windows,
      ...('Suspending' in WebAssembly ? [oneThread] : []),
    ],
    // The package imports itself by its name; what that leads to is to run as it is, not transformed.
    server: { deps: { external: [/\/dist\//] } },
    pool: 'forks',
    poolOptions: { forks: { minForks: 1, maxForks: 2 } },
    // Servers run on a kernel that has assertions.
    env: {
      PGLITE_IMPORTS_KERNEL: fileURLToPath(new URL('wasm/dist/test/kernel-asserting.wasm', import.meta.url)),
    },
    allowOnly: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
})
