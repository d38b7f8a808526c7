/** What became of a handshake. */
export interface TlsSession {
  readonly version: string
  readonly cipher: string
  readonly cipherBits: number
  readonly alpnUsed: boolean
  /** Of the server's certificate, by the hash function of its signature, in hex; '' if it has none (RFC 5929). */
  readonly certificateHash: string
  /** The client's certificate, which has been verified. */
  readonly peer: PeerCertificate | undefined
}

export interface PeerCertificate {
  readonly commonName: string | undefined
  /** As RFC 2253 writes it, with which pg_hba.conf's clientname=DN compares. */
  readonly distinguishedName: string
  /** As OpenSSL writes them in one line: /C=…/CN=… */
  readonly subject: string
  readonly issuer: string
  /** Decimal. */
  readonly serial: string
}
