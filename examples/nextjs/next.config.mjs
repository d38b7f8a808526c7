/** @type {import('next').NextConfig} */
export default {
  // The server reads files of its package and starts threads: it cannot be in a bundle.
  serverExternalPackages: ['pglite-imports-server'],
  // `next build` writes .next/standalone with all that the application needs; these files it would not find by itself.
  output: 'standalone',
  outputFileTracingIncludes: { '/**': ['node_modules/pglite-imports-server/**'] },
}
