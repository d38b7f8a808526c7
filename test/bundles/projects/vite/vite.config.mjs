export default {
  build: { ssr: 'program.mjs', outDir: 'out', target: 'node20' },
  ssr: process.env.EXTERNAL
    ? { external: ['pglite-imports-server'] }
    : { noExternal: ['pglite-imports-server'] },
}
