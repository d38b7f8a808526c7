const external = process.env.EXTERNAL ? { 'pglite-imports-server': 'commonjs pglite-imports-server' } : {}

module.exports = {
  mode: 'production',
  optimization: { minimize: false },
  target: 'node',
  entry: './program.mjs',
  output: { path: `${__dirname}/out`, filename: 'program.cjs' },
  externals: external,
}
