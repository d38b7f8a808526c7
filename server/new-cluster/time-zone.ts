/** The time zone of a new cluster: like initdb, takes TZ of the environment if it names a zone. The template has UTC. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { artefactsFolder } from '../../wasm/node/artefacts.js'

/** The lines that initdb writes; wasm/build/template.ts runs it in UTC. */
const SETTING = /^((?:log_)?timezone = )'UTC'/gm

/**
 * The content of a file of the template for a cluster that is made in this process' time zone.
 *
 * @param name relative to the data directory
 */
export function inTimeZone(name: string, content: Uint8Array): Uint8Array | string {
  const zone = process.env.TZ
  if (name !== 'postgresql.conf' || !isTimeZone(zone)) return content
  return Buffer.from(content).toString().replace(SETTING, `$1'${zone}'`)
}

/** Whether PostgreSQL has a zone of this name. */
function isTimeZone(name: string | undefined): name is string {
  if (name === undefined || !/^[A-Za-z][\w+-]*(\/[\w+-]+)*$/.test(name)) return false
  return (
    statSync(join(artefactsFolder(), 'share/timezone', name), { throwIfNoEntry: false })?.isFile() ?? false
  )
}
