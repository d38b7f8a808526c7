/** Checks the options of startServer() before it does anything, so that an error names the option that is misspelt or wrong. */
import * as v from 'valibot'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { MAX_BACKENDS } from '../wasm/machine/postgres-abi.js'
import type { BranchOptions } from './branches/options.js'
import type { HttpOptions } from './http/http.js'
import type { StartServerOptions } from './options.js'

/** Each message completes "must be". */
const text = v.string('a string')
const name = v.pipe(text, v.minLength(1, 'a string that is not empty'))
const yesOrNo = v.boolean('true or false')
const texts = v.array(text, 'an array of strings')

function wholeNumber(least: number, most: number) {
  const message = `a whole number from ${least} to ${most}`
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message))
}

const port = wholeNumber(0, 65535)
const setting = v.union([v.string(), v.number(), v.boolean()], 'a string, a number, true or false')
const callback = v.function('a function')

/** The compiler refuses this type if an option has no entry. */
type Entries<Options> = Record<keyof Options, v.GenericSchema>

const schema = v.strictObject(
  {
    dataDir: v.optional(name),
    packageDir: v.optional(name),
    copyOf: v.optional(name),
    port: v.optional(port),
    host: v.optional(text),
    password: v.optional(name),
    insecureListen: v.optional(yesOrNo),
    hostAuthMethod: v.optional(name),
    unixSocketDir: v.optional(text),
    tls: v.optional(
      v.union(
        [
          v.literal('self-signed'),
          v.strictObject({ cert: name, key: name, ca: v.optional(name) } satisfies Entries<
            Exclude<StartServerOptions['tls'], string | undefined>
          >),
        ],
        "'self-signed' or an object with cert, key and, perhaps, ca",
      ),
    ),
    allowDirs: v.optional(texts),
    shareDirs: v.optional(texts),
    maxConnections: v.optional(wholeNumber(1, MAX_BACKENDS)),
    settings: v.optional(v.record(v.string(), v.optional(setting), 'an object of settings')),
    defaults: v.optional(v.record(v.string(), v.optional(setting), 'an object of settings')),
    threads: v.optional(yesOrNo),
    log: v.optional(
      v.union([v.literal('stderr'), v.literal(false), callback], "'stderr', false or a function"),
    ),
    http: v.optional(
      v.strictObject(
        { port, host: v.optional(text), cors: v.optional(texts) } satisfies Entries<HttpOptions>,
        'an object with port and, perhaps, host and cors',
      ),
    ),
    console: v.optional(yesOrNo),
    onStarting: v.optional(callback),
    superuser: v.optional(name),
    user: v.optional(name),
    database: v.optional(name),
    initdbOptions: v.optional(texts),
    init: v.optional(v.union([text, texts], 'a path or an array of paths')),
  } satisfies Entries<StartServerOptions>,
  'an object',
)

const {
  copyOf: _,
  password: __,
  hostAuthMethod: ___,
  initdbOptions: ____,
  init: _____,
  ...entries
} = schema.entries

const branchSchema = v.strictObject(
  {
    ...entries,
    snapshot: v.optional(v.looseObject({ path: name }, 'what snapshot() resolves to')),
  } satisfies Entries<BranchOptions>,
  'an object',
)

type AnySchema = v.StrictObjectSchema<v.ObjectEntries, string>

/** Options whose values must not appear in messages. */
const SECRETS = ['password']

/** @throws StartupError that names the first option that does not exist or has an invalid value */
export function checkOptions(options: StartServerOptions): void {
  check(schema, 'startServer()', options)
}

/** The same for the options of branch(). */
export function checkBranchOptions(options: BranchOptions): void {
  check(branchSchema, 'branch()', options)
}

function check(schema: AnySchema, caller: string, options: object): void {
  const { issues } = v.safeParse(schema, options, { abortEarly: true })
  if (issues === undefined) return
  const [issue] = issues
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? ''
  if (issue.type === 'strict_object' && issue.expected === 'never')
    throw new StartupError(
      `there is no option "${path}"; the options are ${Object.keys(schema.entries).join(', ')}`,
    )
  const what = path === '' ? `what ${caller} is called with` : `option "${path}"`
  const value = SECRETS.includes(path) ? '' : `, not ${shown(issue.input)}`
  throw new StartupError(`${what} must be ${issue.message}${value}`)
}

function shown(value: unknown): string {
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return 'an object'
  // JSON has no NaN, and no bigint.
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
