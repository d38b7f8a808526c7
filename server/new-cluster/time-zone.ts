/** The time zone of a new cluster, as initdb takes it: TZ of the environment if that is a zone, else the system's. */
import { readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { artefactsFolder } from '../../wasm/node/artefacts.js'

/** The lines that initdb writes; wasm/build/template.ts runs it in UTC. */
const SETTING = /^((?:log_)?timezone = )UTC\b/gm

const zones = () => join(artefactsFolder(), 'share', 'timezone')
const SYSTEM = '/etc/localtime'

/** A zone that says its rules itself, such as CET-1CEST,M3.5.0,M10.5.0/3: see tzset(3). */
const ABBREVIATION = /(?:[A-Za-z]{3,}|<[\w+-]{3,}>)/.source
const TIME = /[+-]?\d{1,3}(?::\d\d){0,2}/.source
const DAY = /(?:J?\d{1,3}|M\d{1,2}\.\d\.\d)/.source
const RULE = `,${DAY}(?:/${TIME})?`
const POSIX = new RegExp(`^${ABBREVIATION}${TIME}(?:${ABBREVIATION}(?:${TIME})?(?:${RULE}${RULE})?)?$`)

/**
 * A file of the template as it is in a cluster that is made here.
 *
 * @param name relative to the data directory
 */
export function inTimeZone(name: string, content: Uint8Array): Uint8Array | string {
  if (name !== 'postgresql.conf') return content
  return Buffer.from(content)
    .toString()
    .replace(SETTING, `$1'${timeZone(process.env)}'`)
}

export function timeZone({ TZ }: NodeJS.ProcessEnv): string {
  if (TZ !== undefined && (POSIX.test(TZ) || isZone(TZ))) return TZ
  return systemTimeZone()
}

/** The zone to whose file a link of the system leads, else what the engine takes it for. */
export function systemTimeZone(link = SYSTEM): string {
  return namesIn(link).find(isZone) ?? [engineTimeZone()].find(isZone) ?? 'UTC'
}

/** The file of the system's zone, which the name `localtime` stands for. */
export function systemTimeZoneFile(): string {
  return join(zones(), systemTimeZone())
}

/** "/usr/share/zoneinfo/Europe/Berlin" may be "Europe/Berlin" or "Berlin". */
function namesIn(link: string): string[] {
  try {
    const parts = readlinkSync(link).split('/')
    return parts.map((_, i) => parts.slice(i).join('/'))
  } catch {
    return [] // Windows has no such file, and elsewhere it may be none that links.
  }
}

/** Takes several milliseconds. */
function engineTimeZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone ?? ''
}

/** Whether PostgreSQL has a zone of this name. */
function isZone(name: string): boolean {
  if (!/^[A-Za-z][\w+-]*(\/[\w+-]+)*$/.test(name)) return false
  return statSync(join(zones(), name), { throwIfNoEntry: false })?.isFile() ?? false
}
