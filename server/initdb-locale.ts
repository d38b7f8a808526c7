/**
 * Which locale initdb gives a new cluster: what its options name, then what the environment does, and where neither says anything
 * that of the cluster template (INITDB_OPTIONS in wasm/build/template.ts).
 */

/** The variables that name a locale, see setlocale(3). */
const VARIABLE = /^(LANG|LC_(ALL|COLLATE|CTYPE|MESSAGES|MONETARY|NUMERIC|TIME))$/

const NAMES_LOCALE = /^--(no-locale$|locale(=|$)|lc-(collate|ctype)(=|$))/
const NAMES_PROVIDER = /^--(locale-provider|icu-locale|builtin-locale)(=|$)/

/** The locales that have no encoding of their own: initdb would take SQL_ASCII. */
const WITHOUT_ENCODING = /^(C|POSIX)$/

/** What of an environment names a locale. */
export function localeEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      VARIABLE.test(name) && value ? [[name, value]] : [],
    ),
  )
}

/** What the environment says where it says nothing. */
export const DEFAULT_ENVIRONMENT = { LC_ALL: '', LANG: 'C.UTF-8' }

/** The options that go before those which a person gives. */
export function localeDefaults(
  options: readonly string[],
  environment: Readonly<Record<string, string>>,
): string[] {
  const named = options.some(option => NAMES_LOCALE.test(option))
  const provider = options.some(option => NAMES_PROVIDER.test(option))
  const { LC_ALL, LC_CTYPE = environment.LANG } = environment
  if (!named && (LC_ALL ?? LC_CTYPE) === undefined)
    return ['--encoding=UTF8', ...(provider ? [] : ['--locale-provider=builtin', '--builtin-locale=C.UTF-8'])]
  const locale = named ? localeIn(options) : (LC_ALL ?? LC_CTYPE)
  return locale === undefined || WITHOUT_ENCODING.test(locale) ? ['--encoding=UTF8'] : []
}

/** The locale whose encoding initdb takes; undefined where there is none. */
function localeIn(options: readonly string[]): string | undefined {
  const named = (name: string) => {
    const at = options.findLastIndex(option => option === name || option.startsWith(`${name}=`))
    const [, value = options[at + 1]] = at < 0 ? [] : (/=(.*)$/.exec(options[at]!) ?? [])
    return at < 0 ? undefined : value
  }
  return options.includes('--no-locale') ? 'C' : (named('--lc-ctype') ?? named('--locale'))
}
