/**
 * Other machines: who of them gets into a new cluster, and that none gets in by accident. Everything else about pg_hba.conf
 * is PostgreSQL's business.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { StartServerOptions } from './index.js'
import { StartupError } from './startup-error.js'

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
  if (!listensElsewhere(hosts) || insecureListen || !existsSync(rules)) return
  if (!readFileSync(rules, 'utf8').replace(/\\\n/g, ' ').split('\n').some(trustsOthers)) return
  throw new StartupError(
    `listening on "${hosts.join(',')}" lets other machines connect, and "${rules}" has a rule that trusts them: change it to scram-sha-256, or say --insecure-listen`,
  )
}

function listensElsewhere(hosts: readonly string[]): boolean {
  return hosts.some(host => !LOCAL_HOST.test(host))
}

/** TYPE DATABASE USER ADDRESS [MASK] METHOD [OPTIONS] */
function trustsOthers(line: string): boolean {
  const [type = '', , , address = '', ...rest] = line.replace(/#.*/, '').trim().split(/\s+/)
  const method = /^[\d.:]+$/.test(rest[0] ?? '') ? rest[1] : rest[0]
  return (
    type.startsWith('host') &&
    !LOOPBACK.test(address) &&
    method === 'trust' &&
    !rest.some(option => option.startsWith('clientcert='))
  )
}
