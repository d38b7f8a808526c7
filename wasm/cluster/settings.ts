/** PostgreSQL's settings: as programs write them, and as text for PostgreSQL's command line. */

/** Values as text, by name. */
export type Settings = Readonly<Record<string, string>>

/** Values as a program has them, by name. */
export type GivenSettings = Readonly<Record<string, string | number | boolean>>

/** The values as text, without those that are undefined. Booleans become `on` and `off`. */
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
