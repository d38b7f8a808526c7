/** Certificates for tests, made by openssl in a folder. */
import { spawnSync } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Issued {
  certificate: string
  key: string
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`)
}

/** A certification authority, by the files' common name. */
export function authority(folder: string, name: string): Issued {
  const [certificate, key] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`],
    ...['-keyout', key, '-out', certificate],
  )
  return { certificate, key }
}

/** A certificate of an authority for this subject, /CN=…; `host` for servers. */
export function issue(folder: string, by: Issued, name: string, subject: string, host?: string): Issued {
  const [certificate, key, request] = ['crt', 'key', 'csr'].map(end => join(folder, `${name}.${end}`)) as [
    string,
    string,
    string,
  ]
  openssl(
    ...['req', '-newkey', 'rsa:2048', '-nodes', '-utf8', '-subj', subject, '-keyout', key, '-out', request],
  )
  const extensions = join(folder, `${name}.ext`)
  writeFileSync(extensions, host === undefined ? 'basicConstraints=CA:FALSE\n' : `subjectAltName=${host}\n`)
  openssl(
    ...['x509', '-req', '-in', request, '-CA', by.certificate, '-CAkey', by.key, '-CAcreateserial'],
    ...['-days', '2', '-out', certificate, '-extfile', extensions],
  )
  chmodSync(key, 0o600)
  return { certificate, key }
}
