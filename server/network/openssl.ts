/** What Node tells of TLS, in OpenSSL's and PostgreSQL's words. */

/** The name of PostgreSQL's protocol in ALPN (RFC 7301). */
export const PROTOCOL = 'postgresql'

/** OpenSSL's reason for an error, without the place in its source. */
export function reasonOf(error: Error): string {
  const { reason, code } = error as NodeJS.ErrnoException & { reason?: string }
  return reason ?? (code === 'ECONNRESET' ? 'EOF detected' : error.message)
}

/** The length of a cipher's key. */
export function cipherBits(name: string): number {
  return /AES_?256|CHACHA20|CAMELLIA256|ARIA256/.test(name) ? 256 : 128
}

/** The parts of a text in PEM that have this label. */
export function pemParts(text: string, label: RegExp): string[] {
  const parts = text.match(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g) ?? []
  return parts.filter(part => label.test(/BEGIN ([A-Z0-9 ]+)-/.exec(part)![1]!))
}

/** Certificates in PEM, of which OpenSSL trusts some for certain uses. */
export const CERTIFICATE = /^(X509 |TRUSTED )?CERTIFICATE$/

/** Certificate revocation lists in PEM. */
export const REVOCATION_LIST = /^X509 CRL$/

/** Encrypted keys in PEM, by PKCS #8 and in the older form. */
export const ENCRYPTED = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m
