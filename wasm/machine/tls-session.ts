/** The result of a TLS handshake, as pg_stat_ssl and authentication need it. */
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
