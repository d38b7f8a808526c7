/** What both sides need to know of TLS on a connection. */

/** The result of a TLS handshake with a client, as pg_stat_ssl and authentication need it. */
export interface TlsSession {
  readonly version: string
  readonly cipher: string
  readonly cipherBits: number
  readonly alpnUsed: boolean
  /** Hash of the server's certificate in hex, by the hash function of its signature; '' if that has none (RFC 5929). */
  readonly certificateHash: string
  /** The client's verified certificate, if it has one. */
  readonly peer: PeerCertificate | undefined
}

export interface PeerCertificate {
  readonly commonName: string | undefined
  /** In the form of RFC 2253, for pg_hba.conf's clientname=DN. */
  readonly distinguishedName: string
  /** In OpenSSL's one-line form: /C=…/CN=… */
  readonly subject: string
  readonly issuer: string
  /** Decimal. */
  readonly serial: string
}

/** What a process wants of TLS on a connection that it has made: libpq's options, with the contents of the files that they name. */
export interface OutgoingTlsSettings {
  /** For SNI; '' for none. */
  readonly serverName: string
  /** 'TLSv1', 'TLSv1.1', …, or '' for no limit. */
  readonly minVersion: string
  readonly maxVersion: string
  /** What the server's certificate is verified with: nothing, the system's roots, or those of a file. */
  readonly verify: '' | 'system' | 'file'
  /** Certificates, in PEM. */
  readonly roots: Uint8Array
  /** Where the revocation lists are from, of which there must be one of each authority; '' if none is demanded. */
  readonly revocation: '' | 'file' | 'directory'
  /** Such lists, in PEM. */
  readonly lists: Uint8Array
  /** The certificate to show when the server asks for one, and those that lead to its authority, in PEM; empty for none. */
  readonly certificate: Uint8Array
  /** Its key, in PEM or DER. */
  readonly key: Uint8Array
  readonly password: string
  /** Whether the session's secrets are wanted. */
  readonly secrets: boolean
}

/** The result of a TLS handshake with another server, as libpq needs it. */
export interface OutgoingTlsSession {
  readonly version: string
  readonly cipher: string
  readonly cipherBits: number
  /** Chosen by ALPN; '' for none. */
  readonly protocol: string
  /** Whether the server has asked for a certificate. */
  readonly certificateRequested: boolean
  /** As that of TlsSession. */
  readonly certificateHash: string
  /** Those in the server's certificate: the alternative ones of its subject, then its first common name. */
  readonly names: readonly CertificateName[]
  /** Lines in the format of NSS, if they are wanted. */
  readonly secrets: readonly string[]
}

/** A name in a certificate: its bytes, for a name may have any. */
export interface CertificateName {
  readonly kind: 'DNS' | 'IP' | 'CN'
  readonly bytes: Uint8Array
}

/** Why there is no TLS on a connection that a process has made. */
export class TlsFailure extends Error {
  /**
   * @param what the part of the settings or of the work that has failed, by a name that `c/libpq/tls.c` knows
   * @param reason the reason, without the name of a file
   */
  constructor(
    readonly what: 'roots' | 'certificate' | 'key' | 'match' | 'handshake' | 'system' | 'host',
    reason: string,
  ) {
    super(reason)
  }
}
