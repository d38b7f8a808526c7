/** What PostgreSQL's server programs take from their environment. */
const NAMES = ['PGDATA', 'PGPORT', 'PG_COLOR']

export function settingsOfProcess(): Record<string, string> {
  return Object.fromEntries(NAMES.flatMap(name => (process.env[name] ? [[name, process.env[name]]] : [])))
}
