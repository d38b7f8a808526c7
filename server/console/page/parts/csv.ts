/** Rows as CSV (RFC 4180), as COPY … CSV HEADER writes it: NULL is nothing, an empty string is quoted. */
export function csvOf(names: readonly string[], rows: Iterable<readonly (string | null)[]>): string {
  const lines = [names.map(quoted).join(',')]
  for (const values of rows) lines.push(values.map(value => (value === null ? '' : quoted(value))).join(','))
  return `${lines.join('\r\n')}\r\n`
}

function quoted(value: string): string {
  return value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
