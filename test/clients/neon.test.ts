/** Neon's driver, by HTTP. */
import { testNeonQueries } from '../fixtures/neon-queries.js'
import { useServer } from '../fixtures/server.js'

const server = useServer({
  args: ['--http-port', '0', '--http-cors', 'https://friend.example'],
  env: { POSTGRES_PASSWORD: 'secret' },
  // Node's own HTTP module compiles a parser when it is loaded.
  ban: false,
})

testNeonQueries(() => ({
  endpoint: `${/health, metrics: +(\S+)/.exec(server.output)![1]!}/sql`,
  url: (user = 'postgres', password = 'secret') => `postgres://${user}:${password}@localhost/postgres`,
}))
