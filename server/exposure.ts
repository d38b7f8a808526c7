/** Clients on other machines: the rules by which a new cluster lets them in, and checks that none is let in by accident. */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { hostPathIn } from '../wasm/node/paths.js'
import { configurationFiles, linesOf, MAX_DEPTH } from './configuration.js'
import { isLocal } from './network/listen-addresses.js'
import type { StartServerOptions } from './options.js'

type Admission = Pick<StartServerOptions, 'password' | 'tls' | 'insecureListen' | 'hostAuthMethod'>

/** Addresses in pg_hba.conf that only this machine has. */
const LOOPBACK = /^(127\.|::1(\/|$)|localhost$|samehost$)/

/** The lines of initdb's pg_hba.conf for TCP connections from this machine. */
const LOCAL_TCP = /^(host\s.*\s)trust$/gm

const ALL = 'host    all             all             all                     '
const CERTIFICATE = 'hostssl all             all             all                     cert'
const TRUST = `${ALL}trust`

/**
 * Checks the options of a new cluster.
 *
 * @throws StartupError when the server would listen for other machines without password, TLS and `insecureListen`
 */
export function refuseExposure(
  hosts: readonly string[],
  ssl: boolean,
  { password, insecureListen, hostAuthMethod }: Admission,
): void {
  if (!listensElsewhere(hosts) || password !== undefined || ssl || insecureListen) return
  if (hostAuthMethod !== undefined) return // The method was chosen, so no client gets in by accident.
  throw new StartupError(
    `listening on "${hosts.join(',')}" lets other machines connect, and the cluster has neither a password nor TLS: set a password with --password-file, or use TLS with --tls-cert or --tls-self-signed; --insecure-listen listens without either`,
  )
}

/** Adds to a new cluster's pg_hba.conf the rules for other machines. With a password, the rules for this machine ask for it as well. */
export function admitOthers(
  rules: string,
  { password, tls, insecureListen, hostAuthMethod }: Admission,
): void {
  const add = (rule: string, initial = readFileSync(rules, 'utf8')) =>
    writeFileSync(rules, `${initial}${rule}\n`)
  const addForAll = (method: string) =>
    add(`${ALL}${method}`, readFileSync(rules, 'utf8').replace(LOCAL_TCP, `$1${method}`))
  if (hostAuthMethod !== undefined) addForAll(hostAuthMethod)
  else if (password !== undefined) addForAll('scram-sha-256')
  else if (typeof tls === 'object' && tls.ca !== undefined) add(CERTIFICATE)
  else if (insecureListen) add(TRUST)
}

/**
 * Checks the rules of an existing cluster.
 *
 * @throws StartupError when the server would listen for other machines, and a rule lets their clients in without authentication
 */
export function refuseTrust(hosts: readonly string[], rules: string, { insecureListen }: Admission): void {
  if (!listensElsewhere(hosts) || insecureListen) return
  const file = trustingFile(rules, 0)
  if (file === undefined) return
  throw new StartupError(
    `listening on "${hosts.join(',')}" lets other machines connect, and "${file}" has a rule that trusts them: change the rule to scram-sha-256, or start the server with --insecure-listen`,
  )
}

function listensElsewhere(hosts: readonly string[]): boolean {
  return !hosts.every(isLocal)
}

/** The file, this one or one that it includes, with a rule that trusts clients on other machines. */
function trustingFile(file: string, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return undefined
  // A backslash at the end of a line continues it.
  for (const line of linesOf(file).join('\n').replace(/\\\n/g, ' ').split('\n')) {
    const fields = fieldsOf(line)
    for (const included of includedFiles(fields, file)) {
      const trusting = trustingFile(included, depth + 1)
      if (trusting !== undefined) return trusting
    }
    if (trustsOthers(fields)) return file
  }
  return undefined
}

function includedFiles([keyword, name]: readonly string[], file: string): string[] {
  if (name === undefined) return []
  const path = hostPathIn(dirname(file), name)
  if (keyword === 'include' || keyword === 'include_if_exists') return [path]
  return keyword === 'include_dir' ? configurationFiles(path).map(name => join(path, name)) : []
}

/** Splits a line as PostgreSQL's hba.c does: quoted parts may have any character in them, and a list goes on after a comma. */
function fieldsOf(line: string): string[] {
  const fields = line.match(/(?:"[^"]*"|,\s*|[^\s",#])+|#.*/g) ?? []
  return fields.filter(field => !field.startsWith('#')).map(field => field.replaceAll('"', ''))
}

/** TYPE DATABASE USER ADDRESS [MASK] METHOD [OPTIONS] */
function trustsOthers(fields: readonly string[]): boolean {
  const [type = '', , , address = '', ...rest] = fields
  const method = /^[\d.:]+$/.test(rest[0] ?? '') ? rest[1] : rest[0]
  return (
    type.startsWith('host') &&
    !LOOPBACK.test(address) &&
    method === 'trust' &&
    !rest.some(option => option.startsWith('clientcert='))
  )
}
