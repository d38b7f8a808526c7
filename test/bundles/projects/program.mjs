/** What each project bundles: a program that starts a server, and uses threads, a loadable module and files of the package. */
import pg from 'pg'
import { startServer } from 'pglite-imports-server'

async function main() {
  const server = await startServer({ port: 0, packageDir: process.argv[2] })
  const client = new pg.Client(server.url)
  await client.connect()
  await client.query('create extension hstore')
  const { rows } = await client.query("select 'a=>1'::hstore -> 'a' as value")
  await client.end()
  await server.stop()
  console.log(`value ${rows[0].value}`)
}

main().catch(error => {
  console.log(`${error.name}: ${error.message}`)
  process.exitCode = 1
})
