/** Numbers for people. */
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** Bytes, in powers of 1024, with three digits. */
export function bytes(value: number): string {
  let unit = 0
  let scaled = value
  while (Math.abs(scaled) >= 1024 && unit < UNITS.length - 1) {
    scaled /= 1024
    unit++
  }
  return `${unit === 0 ? Math.round(scaled) : three(scaled)} ${UNITS[unit]}`
}

/** A number with at most three digits behind those that it needs, and thousands apart. */
export function count(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return three(value)
}

export function milliseconds(value: number): string {
  if (value >= 60_000) return duration(value / 1000)
  return value >= 1000
    ? `${(value / 1000).toFixed(2)} s`
    : `${value < 1 ? value.toFixed(3) : three(value)} ms`
}

/** Seconds, in the two largest units. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`
}

const three = (value: number) => String(Number(value.toPrecision(3)))
