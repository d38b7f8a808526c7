/**
 * Which locale initdb gives a new cluster: the one that its options name, else the one of the environment, else that of the cluster
 * template (INITDB_OPTIONS in wasm/build/template.ts).
 */

/** The variables that name a locale, see setlocale(3). */
const VARIABLE = /^(LANG|LC_(ALL|COLLATE|CTYPE|MESSAGES|MONETARY|NUMERIC|TIME))$/

/** The template's. */
const DEFAULT = /^C\.utf-?8$/i

/** The locales that have no encoding of their own: initdb would take SQL_ASCII. */
const WITHOUT_ENCODING = /^(C|POSIX)$/

/** The locale of an environment that names none. */
export const DEFAULT_ENVIRONMENT = { LC_ALL: '', LANG: 'C.UTF-8' }

/** The variables of an environment that name a locale other than the template's; none if all name that. */
export function localeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const named = Object.entries(environment).flatMap(([name, value]) =>
    VARIABLE.test(name) && value ? [[name, value] as const] : [],
  )
  return Object.fromEntries(named.every(([, value]) => DEFAULT.test(value)) ? [] : named)
}

/** Options to be put before those that the user gives. */
export function localeDefaults(
  options: readonly string[],
  { LC_ALL, LANG, LC_CTYPE = LANG }: Readonly<Record<string, string>>,
): string[] {
  const locale = localeIn(options) ?? LC_ALL ?? LC_CTYPE
  return locale === undefined || WITHOUT_ENCODING.test(locale) ? ['--encoding=UTF8'] : []
}

/** The locale for characters (LC_CTYPE) that the options name. */
function localeIn(options: readonly string[]): string | undefined {
  const named = (name: string) => {
    const at = options.findLastIndex(option => option === name || option.startsWith(`${name}=`))
    const [, value = options[at + 1]] = at < 0 ? [] : (/=(.*)$/.exec(options[at]!) ?? [])
    return at < 0 ? undefined : value
  }
  return options.includes('--no-locale') ? 'C' : (named('--lc-ctype') ?? named('--locale'))
}
