/**
 * TLS by node:tls, with the files and limits of PostgreSQL's ssl_* settings. They are loaded when the server starts and when it
 * reloads its configuration. When a backend asks for it, the handshake is done on its client's socket.
 */
import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { posix } from 'node:path'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { TlsProvider, TlsSettings } from '../../wasm/cluster/tls.js'
import type { FileLayer } from '../../wasm/machine/host/file-layer.js'
import type { TlsSession } from '../../wasm/machine/tls-session.js'
import { cipherBits, ENCRYPTED, PROTOCOL, reasonOf } from './openssl.js'

/** Bun's OpenSSL, which is BoringSSL, chooses none. */
const DH_PARAMETERS = 'Bun' in globalThis ? undefined : 'auto'

const OLDEST = 'TLSv1.2'
const GROUPS = 'X25519:prime256v1'

/** The name of HTTP in ALPN. Node's HTTP server does not speak HTTP/2. */
const HTTP = 'http/1.1'

const READ = {
  ...{ read: true, write: false, create: false, exclusive: false, truncate: false, append: false },
  ...{ sync: false, noFollow: false },
}

interface Loaded {
  readonly context: SecureContext
  readonly certificate: X509Certificate
  readonly verifying: boolean
}

/** A socket with TLS, and what the handshake has agreed on. */
export interface Secured {
  readonly socket: TLSSocket
  readonly session: TlsSession
}

export class Tls implements TlsProvider {
  readonly #files: FileLayer
  readonly #dataDir: string
  #loaded: Loaded | undefined

  /**
   * @param files as the cluster may see them
   * @param dataDir as processes see it
   */
  constructor(files: FileLayer, dataDir: string) {
    this.#files = files
    this.#dataDir = dataDir
  }

  get state(): TlsProvider['state'] {
    return this.#loaded === undefined ? 'none' : this.#loaded.verifying ? 'verifying' : 'loaded'
  }

  async load(settings: TlsSettings): Promise<void> {
    const [{ createSecureContext }, { constants, X509Certificate }] = await libraries()
    const cert = this.#read(settings.certFile, 'server certificate file')
    const key = this.#read(settings.keyFile, 'private key file')
    if (key !== undefined && ENCRYPTED.test(key)) {
      throw new Error(
        `private key file "${settings.keyFile}" needs a passphrase, and this server cannot ask for one: decrypt the key with "openssl pkey"`,
      )
    }
    const ca = this.#read(settings.caFile, 'root certificate file')
    const crl = [
      this.#read(settings.crlFile, 'certificate revocation list file'),
      ...this.#readAll(settings.crlDir),
    ].flatMap(text => text ?? [])
    const { minVersion, maxVersion, cipherSuites, ciphers, groups } = settings
    const preference = settings.preferServerCiphers ? constants.SSL_OP_CIPHER_SERVER_PREFERENCE : 0
    const context = createSecureContext({
      cert,
      key,
      ca,
      ...(crl.length > 0 ? { crl } : {}),
      dhparam: this.#read(settings.dhParamsFile, 'DH parameters file') ?? DH_PARAMETERS,
      minVersion: minVersion === 'TLSv1.3' ? minVersion : OLDEST,
      ...(maxVersion === 'TLSv1.2' ? { maxVersion } : {}),
      ciphers: [
        cipherSuites || 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256',
        ciphers,
      ].join(':'),
      ecdhCurve: groups || GROUPS,
      sessionIdContext: PROTOCOL,
      // As in PostgreSQL: no renegotiation, no resumption of sessions, no compression.
      secureOptions:
        constants.SSL_OP_NO_RENEGOTIATION |
        constants.SSL_OP_NO_TICKET |
        constants.SSL_OP_NO_COMPRESSION |
        preference,
    })
    this.#loaded = { context, certificate: new X509Certificate(cert ?? ''), verifying: ca !== undefined }
  }

  /**
   * Does the handshake on a client's socket. The caller must not read the socket meanwhile, and has put back what it read before.
   *
   * @returns the socket to read and write from now on
   * @throws Error with the reason when the handshake fails
   */
  async open(client: Socket): Promise<Secured> {
    return this.#open(client, PROTOCOL, this.#loaded?.verifying ?? false)
  }

  /** The same for a client that speaks HTTP, which is asked for no certificate. */
  async openHttp(client: Socket): Promise<Secured> {
    return this.#open(client, HTTP, false)
  }

  async #open(client: Socket, protocol: string, verifying: boolean): Promise<Secured> {
    if (this.#loaded === undefined) throw new Error('SSL context not set up')
    const loaded = { ...this.#loaded, verifying }
    const [{ TLSSocket }] = await libraries()
    const socket = new TLSSocket(client, {
      isServer: true,
      secureContext: loaded.context,
      requestCert: verifying,
      // pg_hba.conf says whether a client needs a certificate.
      rejectUnauthorized: false,
      ALPNProtocols: [protocol],
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('secure', resolve)
      // Stays: an error after the handshake is ignored here, because 'close' follows.
      socket.on('error', error => reject(new Error(reasonOf(error))))
      for (const event of ['end', 'close']) socket.once(event, () => reject(new Error('EOF detected')))
    })
    try {
      return { socket, session: await sessionOf(socket, loaded) }
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  #read(name: string, what: string): string | undefined {
    if (name === '') return undefined
    const path = posix.resolve(this.#dataDir, name)
    try {
      const handle = this.#files.open(path, READ, 0)
      try {
        const bytes = Buffer.alloc(this.#files.fstat(handle).size)
        return bytes.toString('utf8', 0, this.#files.read(handle, bytes, 0, bytes.length, 0))
      } finally {
        this.#files.close(handle)
      }
    } catch (error) {
      throw new Error(`could not load ${what} "${name}": ${(error as Error).message}`)
    }
  }

  #readAll(name: string): (string | undefined)[] {
    if (name === '') return []
    const path = posix.resolve(this.#dataDir, name)
    return this.#files
      .list(path)
      .filter(entry => entry.type !== 'directory')
      .map(entry => this.#read(posix.resolve(path, entry.name), 'certificate revocation list file'))
  }
}

/** Loaded when they are needed: that takes a tenth of a server's start. */
const libraries = () => Promise.all([import('node:tls'), import('node:crypto')])

async function sessionOf(socket: TLSSocket, { certificate, verifying }: Loaded): Promise<TlsSession> {
  const { endPointHash, peerCertificate } = await import('./certificate.js')
  const { name } = socket.getCipher()
  const peer = verifying ? socket.getPeerX509Certificate() : undefined
  if (peer !== undefined) {
    // Node gives the result of the verification to its tls.Server only; here its internal handle has it.
    const error = (socket as unknown as { _handle: { verifyError(): Error | null } })._handle.verifyError()
    if (error !== null) throw new Error(`certificate verify failed: ${error.message}`)
  }
  return {
    version: socket.getProtocol() ?? '',
    cipher: name,
    cipherBits: cipherBits(name),
    alpnUsed: socket.alpnProtocol === PROTOCOL,
    certificateHash: endPointHash(certificate),
    peer: peer === undefined ? undefined : peerCertificate(peer),
  }
}
