/** PostgreSQL's settings, as people give them and as PostgreSQL takes them on its command line. */

/** By name, as text. */
export type Settings = Readonly<Record<string, string>>

/** By name, as whoever writes JavaScript has them. */
export type GivenSettings = Readonly<Record<string, string | number | boolean>>

/** As text, without those that are undefined. */
export function settingsText(
  values: Readonly<Record<string, string | number | boolean | undefined>>,
): Settings {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, textOf(value)]])),
  )
}

function textOf(value: string | number | boolean): string {
  return typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)
}
