/** `npm run test:abuse`: what clients may do to a server, one after the other, for each has the machine to itself. */
import { defineConfig, mergeConfig } from 'vitest/config'
import tests from './vitest.config.js'

const { include: _, exclude: __, ...shared } = tests.test!

export default mergeConfig(
  { test: shared },
  defineConfig({
    test: {
      include: ['test/abuse/**/*.test.ts'],
      fileParallelism: false,
      testTimeout: process.env.ABUSE === 'long' ? 45 * 60_000 : 300_000,
    },
  }),
)
