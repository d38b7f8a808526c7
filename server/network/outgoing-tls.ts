/**
 * TLS on connections that PostgreSQL's processes make to other servers, by node:tls, as libpq does it by OpenSSL. Whether the server's
 * certificate is for the host that was connected to libpq decides itself.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import * as tls from 'node:tls'
import {
  type OutgoingTlsSession,
  type OutgoingTlsSettings,
  TlsFailure,
} from '../../wasm/machine/tls-session.js'
import { endPointHash, namesOf } from './certificate.js'
import {
  CERTIFICATE,
  cipherBits,
  ENCRYPTED,
  PROTOCOL,
  pemParts,
  REVOCATION_LIST,
  reasonOf,
} from './openssl.js'

const VERSIONS: readonly tls.SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

const FAILED = 'certificate verify failed'

/**
 * Does the handshake on a connected socket, which must not be read meanwhile.
 *
 * @param failed called when TLS ends the connection later, for example because the server refuses the certificate
 * @returns the socket to read and write from now on
 * @throws TlsFailure
 */
export async function connectTls(
  connected: Socket,
  settings: OutgoingTlsSettings,
  failed: (reason: string) => void,
): Promise<{ socket: tls.TLSSocket; session: OutgoingTlsSession }> {
  const { serverName, verify } = settings
  const socket = tls.connect({
    socket: connected,
    secureContext: contextOf(settings),
    ...(serverName === '' ? {} : { servername: serverName }),
    ALPNProtocols: [PROTOCOL],
    rejectUnauthorized: verify !== '',
    checkServerIdentity: () => undefined,
  })
  const secrets: string[] = []
  if (settings.secrets) socket.on('keylog', (line: Buffer) => secrets.push(line.toString('latin1').trimEnd()))
  await new Promise<void>((resolve, reject) => {
    socket.once('secureConnect', resolve)
    // Stays: 'close' follows an error after the handshake.
    socket.on('error', error => {
      reject(failureOf(socket, error))
      // Others are the system's, not those of TLS.
      if ('reason' in error) failed(reasonOf(error))
    })
    for (const event of ['end', 'close'])
      socket.once(event, () => reject(new TlsFailure('system', 'EOF detected')))
  })
  return { socket, session: sessionOf(socket, secrets) }
}

function failureOf(socket: tls.TLSSocket, error: NodeJS.ErrnoException & { reason?: string }): TlsFailure {
  if (socket.authorizationError) return new TlsFailure('handshake', `${FAILED}: ${error.message}`)
  if (error.reason !== undefined) return new TlsFailure('handshake', error.reason)
  if (error.syscall === 'read' && error.code === 'ECONNRESET')
    return new TlsFailure('system', 'Connection reset by peer')
  return new TlsFailure('system', reasonOf(error))
}

/** @throws TlsFailure when a certificate, a key or a list is invalid */
function contextOf(settings: OutgoingTlsSettings): tls.SecureContext {
  const ca = rootsOf(settings)
  const crl = pemParts(textOf(settings.lists), REVOCATION_LIST)
  // A file without a list does not count, as in libpq. A directory without one does, but Node cannot be told so.
  if (settings.revocation === 'directory' && crl.length === 0)
    throw new TlsFailure('handshake', `${FAILED}: unable to get certificate CRL`)
  const own = ownCertificate(settings)
  const [minVersion, maxVersion] = [settings.minVersion, settings.maxVersion].map(name =>
    VERSIONS.find(version => version.toLowerCase() === name.toLowerCase()),
  )
  try {
    return tls.createSecureContext({
      ca,
      ...(crl.length > 0 ? { crl } : {}),
      ...own,
      // libpq's own defaults; Node has others.
      minVersion: minVersion ?? 'TLSv1',
      maxVersion: maxVersion ?? 'TLSv1.3',
    })
  } catch (error) {
    throw new TlsFailure('host', reasonOf(error as Error))
  }
}

function rootsOf({ verify, roots }: OutgoingTlsSettings): string[] {
  if (verify === '') return []
  if (verify === 'system') return systemRoots()
  const found = pemParts(textOf(roots), CERTIFICATE)
  if (found.length === 0) throw new TlsFailure('roots', 'no certificate or crl found')
  return found
}

/** Those that OpenSSL finds on this machine, by SSL_CERT_FILE and SSL_CERT_DIR too; Node's own where Node cannot tell or there are none. */
function systemRoots(): string[] {
  // Node 20 has no such function.
  const { getCACertificates } = tls as { getCACertificates?: (type: string) => string[] }
  const found = getCACertificates?.('system') ?? []
  if (found.length > 0) return found
  const { SSL_CERT_FILE } = process.env
  return SSL_CERT_FILE ? [readFileSync(SSL_CERT_FILE, 'utf8')] : [...tls.rootCertificates]
}

function ownCertificate({ certificate, key, password }: OutgoingTlsSettings): tls.SecureContextOptions {
  if (certificate.length === 0) return {}
  const cert = textOf(certificate)
  const parsed = attempt('certificate', () => new X509Certificate(cert))
  const secret = attempt('key', () => readKey(Buffer.from(key), password))
  if (!parsed.checkPrivateKey(secret)) throw new TlsFailure('match', 'key values mismatch')
  return { cert, key: secret.export({ type: 'pkcs8', format: 'pem' }) }
}

function attempt<T>(what: 'certificate' | 'key', read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new TlsFailure(what, reasonOf(error as Error))
  }
}

/** Reads a key in PEM or, failing that, in DER, as libpq does. */
function readKey(key: Buffer, password: string): KeyObject {
  if (password === '' && ENCRYPTED.test(key.toString('latin1')))
    throw new Error('it is encrypted: give its password by sslpassword')
  const passphrase = password === '' ? {} : { passphrase: password }
  try {
    return createPrivateKey({ key, format: 'pem', ...passphrase })
  } catch (error) {
    for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const)
      try {
        return createPrivateKey({ key, format: 'der', type, ...passphrase })
      } catch {
        // The reason why it is no PEM says more.
      }
    throw error
  }
}

function sessionOf(socket: tls.TLSSocket, secrets: readonly string[]): OutgoingTlsSession {
  const certificate = socket.getPeerX509Certificate()
  const { name } = socket.getCipher()
  return {
    version: socket.getProtocol() ?? '',
    cipher: name,
    cipherBits: cipherBits(name),
    protocol: socket.alpnProtocol || '',
    // The server's request names algorithms for the signature.
    certificateRequested: socket.getSharedSigalgs().length > 0,
    certificateHash: certificate === undefined ? '' : endPointHash(certificate),
    names: certificate === undefined ? [] : namesOf(certificate),
    secrets,
  }
}

const textOf = (bytes: Uint8Array) =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
