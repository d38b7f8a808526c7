/**
 * Other machines: who of them gets into a new cluster, and that none gets in by accident. Everything else about pg_hba.conf
 * is PostgreSQL's business.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { StartupError } from '../wasm/cluster/startup-error.js'
import { configurationFiles, linesOf, MAX_DEPTH } from './configuration.js'
import type { StartServerOptions } from './options.js'

type Admission = Pick<StartServerOptions, 'password' | 'tls' | 'insecureListen'>

/** Hosts that only this machine can connect to. */
const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/

/** Addresses in pg_hba.conf that only this machine has. */
const LOOPBACK = /^(127\.|::1(\/|$)|localhost$|samehost$)/

/** Lines of the file that initdb makes: TCP connections of this machine. */
const LOCAL_TCP = /^(host\s.*\s)trust$/gm

const PASSWORD = 'host    all             all             all                     scram-sha-256'
const CERTIFICATE = 'hostssl all             all             all                     cert'
const TRUST = 'host    all             all             all                     trust'

/**
 * A new cluster that is to listen for other machines needs something that keeps strangers out, or a clear word.
 *
 * @throws StartupError where it has neither
 */
export function refuseExposure(
  hosts: readonly string[],
  ssl: boolean,
  { password, insecureListen }: Admission,
): void {
  if (!listensElsewhere(hosts) || password !== undefined || ssl || insecureListen) return
  throw new StartupError(
    `listening on "${hosts.join(',')}" lets other machines connect, and the cluster has neither a password nor TLS: give it a password with --password-file, or TLS with --tls-cert or --tls-self-signed; --insecure-listen lets everybody in`,
  )
}

/** Writes into a new cluster's pg_hba.conf how clients of other machines, and with a password those of this one, get in. */
export function admitOthers(rules: string, { password, tls, insecureListen }: Admission): void {
  const add = (rule: string, initial = readFileSync(rules, 'utf8')) =>
    writeFileSync(rules, `${initial}${rule}\n`)
  if (password !== undefined) add(PASSWORD, readFileSync(rules, 'utf8').replace(LOCAL_TCP, '$1scram-sha-256'))
  else if (typeof tls === 'object' && tls.ca !== undefined) add(CERTIFICATE)
  else if (insecureListen) add(TRUST)
}

/**
 * An existing cluster has its rules.
 *
 * @throws StartupError where one of them lets in clients of other machines without any authentication
 */
export function refuseTrust(hosts: readonly string[], rules: string, { insecureListen }: Admission): void {
  if (!listensElsewhere(hosts) || insecureListen) return
  const file = trustingFile(rules, 0)
  if (file === undefined) return
  throw new StartupError(
    `listening on "${hosts.join(',')}" lets other machines connect, and "${file}" has a rule that trusts them: change it to scram-sha-256, or say --insecure-listen`,
  )
}

function listensElsewhere(hosts: readonly string[]): boolean {
  return hosts.some(host => !LOCAL_HOST.test(host))
}

/** A file of rules, or one that it includes, with a rule that trusts clients of other machines. */
function trustingFile(file: string, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return undefined
  // A line goes on after a backslash at its end.
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
  const path = resolve(dirname(file), name)
  if (keyword === 'include' || keyword === 'include_if_exists') return [path]
  return keyword === 'include_dir' ? configurationFiles(path).map(name => resolve(path, name)) : []
}

/** As PostgreSQL's hba.c reads a line: what is quoted may have anything in it, and a list goes on after its commas. */
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
