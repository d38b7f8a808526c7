/**
 * Environment variables for the server to start: PGDATA and PGPORT, as for PostgreSQL, and the variables of PostgreSQL's Docker image.
 * Instead of one of the latter, a variable with _FILE at its end can name a file with the value. Options override variables.
 */
import { readFileSync } from 'node:fs'
import { StartupError } from '../server/index.js'

/** Values by the names of the options that they stand for. */
export interface FromEnvironment {
  readonly dataDir?: string
  readonly port?: number
  readonly superuser?: string
  readonly password?: string
  readonly database?: string
  readonly initdbOptions?: string[]
  readonly hostAuthMethod?: string
}

const VARIABLES: Readonly<Record<keyof FromEnvironment, string>> = {
  dataDir: 'PGDATA',
  port: 'PGPORT',
  superuser: 'POSTGRES_USER',
  password: 'POSTGRES_PASSWORD',
  database: 'POSTGRES_DB',
  initdbOptions: 'POSTGRES_INITDB_ARGS',
  hostAuthMethod: 'POSTGRES_HOST_AUTH_METHOD',
}

/** Options that matter only for a new cluster. */
const FOR_NEW = ['password', 'initdbOptions', 'hostAuthMethod']

/** Splits a text into words as a shell does: a quoted part belongs to one word. */
const WORD = /(?:[^\s"']|"[^"]*"|'[^']*')+/g

/** @throws StartupError that names a variable with an invalid value */
export function fromEnvironment(environment: NodeJS.ProcessEnv): FromEnvironment {
  const of = (name: keyof FromEnvironment) => variable(VARIABLES[name], environment)
  const [port, words, superuser] = [of('port'), of('initdbOptions'), of('superuser')]
  if (port !== undefined && !/^\d+$/.test(port))
    throw new StartupError(`PGPORT in the environment must be a port, not "${port}"`)
  return withoutUndefined({
    dataDir: of('dataDir'),
    port: port === undefined ? undefined : Number(port),
    superuser,
    password: of('password'),
    // As the Docker image does.
    database: of('database') ?? superuser,
    initdbOptions: words?.match(WORD)?.map(word => word.replace(/["']/g, '')),
    hostAuthMethod: of('hostAuthMethod'),
  })
}

/**
 * The variables that the server uses.
 *
 * @param given the values of options, by the same names
 * @param created whether there is a new cluster
 */
export function variablesThatCount(
  found: FromEnvironment,
  given: Readonly<Partial<Record<keyof FromEnvironment, unknown>>>,
  created: boolean,
): string[] {
  return (Object.keys(VARIABLES) as (keyof FromEnvironment)[])
    .filter(
      name => found[name] !== undefined && given[name] === undefined && (created || !FOR_NEW.includes(name)),
    )
    .map(name => VARIABLES[name])
}

/** The value of a variable; an empty one counts as unset. */
function variable(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const [value, file] = [environment[name] || undefined, environment[`${name}_FILE`] || undefined]
  if (value !== undefined || file === undefined || name.startsWith('PG')) return value
  try {
    return readFileSync(file, 'utf8').trimEnd() || undefined
  } catch (error) {
    throw new StartupError(`cannot read "${file}", which ${name}_FILE names: ${(error as Error).message}`)
  }
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T
}
