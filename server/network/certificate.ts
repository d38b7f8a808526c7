/** What PostgreSQL needs of certificates and Node lacks: names as OpenSSL writes them, their bytes, and the hash for channel binding. */
import { createHash, type X509Certificate } from 'node:crypto'
import type { CertificateName, PeerCertificate } from '../../wasm/machine/tls-session.js'

/**
 * What a backend is told about a client's certificate.
 *
 * @throws Error when the name contains a NUL, with which it could pass for another name (CVE-2009-4034)
 */
export function peerCertificate(certificate: X509Certificate): PeerCertificate {
  const subject = relativeNames(certificate.subject)
  if (subject.flat().some(name => /\\00/.test(name)))
    throw new Error("SSL certificate's name contains embedded null")
  const commonName = subject.flat().find(name => name.startsWith('CN='))
  return {
    commonName: commonName === undefined ? undefined : unescaped(commonName.slice('CN='.length)),
    distinguishedName: [...subject]
      .reverse()
      .map(names => [...names].reverse().map(ascii).join('+'))
      .join(','),
    subject: oneLine(subject),
    issuer: oneLine(relativeNames(certificate.issuer)),
    serial: BigInt(`0x${certificate.serialNumber}`).toString(),
  }
}

/**
 * The relative distinguished names of a name, each one or more NAME=VALUE. Node writes each on a line of its own and
 * " + " between several; in values, line ends and plus signs are escaped as in RFC 2253.
 */
function relativeNames(name: string | undefined): string[][] {
  return (name ?? '').split('\n').map(line => line.split(/(?<!\\) \+ /))
}

function oneLine(names: readonly string[][]): string {
  return names
    .flat()
    .map(name => `/${name}`)
    .join('')
}

/** Escapes characters beyond ASCII, byte by byte of their UTF-8, as in RFC 2253. */
function ascii(text: string): string {
  return text.replace(/[^\0-\x7f]+/g, part =>
    [...Buffer.from(part)].map(byte => `\\${byte.toString(16).toUpperCase()}`).join(''),
  )
}

function unescaped(text: string): string {
  const bytes = text.replace(/\\([0-9A-F]{2})|\\(.)/g, (_, hex: string | undefined, plain: string) =>
    hex === undefined ? plain : String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return bytes
}

/** Object identifiers of signature algorithms, and of hash functions inside RSASSA-PSS parameters, in hex as in DER. */
const HASHES: readonly [RegExp, string][] = [
  [/^2a864886f70d01010(?:4|5)$/, 'sha256'], // MD5 and SHA-1 with RSA: RFC 5929 takes SHA-256
  [/^2a8648ce3d0401$/, 'sha256'], // ECDSA with SHA-1
  [/^2a864886f70d01010b$|^2a8648ce3d040302$/, 'sha256'],
  [/^2a864886f70d01010c$|^2a8648ce3d040303$/, 'sha384'],
  [/^2a864886f70d01010d$|^2a8648ce3d040304$/, 'sha512'],
  [/^2a864886f70d01010e$|^2a8648ce3d040301$/, 'sha224'],
]
const RSA_PSS = '2a864886f70d01010a'
const PSS_HASHES: Readonly<Record<string, string>> = {
  '01': 'sha256',
  '02': 'sha384',
  '03': 'sha512',
  '04': 'sha224',
}

/** The hash of a certificate for tls-server-end-point (RFC 5929), in hex; '' where its signature has no hash function. */
export function endPointHash(certificate: X509Certificate): string {
  const hash = signatureHash(certificate.raw)
  return hash === undefined ? '' : createHash(hash).update(certificate.raw).digest('hex')
}

/** Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID, parameters }, … } */
function signatureHash(der: Buffer): string | undefined {
  const signed = element(der, element(der, 0).start)
  const algorithm = element(der, signed.end)
  const identifier = element(der, algorithm.start)
  const oid = der.toString('hex', identifier.start, identifier.end)
  if (oid !== RSA_PSS) return HASHES.find(([pattern]) => pattern.test(oid))?.[1]
  // Its parameters name the hash function first. Without a name it is SHA-1.
  const parameters = der.toString('hex', identifier.end, algorithm.end)
  return PSS_HASHES[/608648016503040(2(0[1-4]))/.exec(parameters)?.[2] ?? '01']
}

/** The object identifiers of an extension and an attribute, as in DER. */
const SUBJECT_ALTERNATIVE_NAME = '551d11'
const COMMON_NAME = '550403'

/** Tags of DER elements, and of the kinds of alternative names that are host names and addresses. */
const [EXTENSIONS, DNS_NAME, ADDRESS] = [0xa3, 0x82, 0x87]

/**
 * The names of a server in its certificate: the alternative names of its subject in their order, then its first common name.
 * TBSCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, …, [3] extensions }
 */
export function namesOf(certificate: X509Certificate): CertificateName[] {
  const der = certificate.raw
  const signed = elements(der, element(der, element(der, 0).start))
  const extensions = signed.find(({ tag }) => tag === EXTENSIONS)
  // Each is a SEQUENCE { OID, …, OCTET STRING { value } }.
  const found = (extensions === undefined ? [] : elements(der, element(der, extensions.start)))
    .map(extension => elements(der, extension))
    .find(([identifier]) => hexOf(der, identifier!) === SUBJECT_ALTERNATIVE_NAME)
  const alternatives = found === undefined ? [] : elements(der, element(der, found.at(-1)!.start))
  const names = alternatives.flatMap(({ tag, start, end }): CertificateName[] =>
    tag === DNS_NAME || tag === ADDRESS
      ? [{ kind: tag === DNS_NAME ? 'DNS' : 'IP', bytes: der.subarray(start, end) }]
      : [],
  )
  // Name ::= SEQUENCE OF SET OF SEQUENCE { OID, value }
  const common = elements(der, signed[signed[0]!.tag === 0xa0 ? 5 : 4]!)
    .flatMap(set => elements(der, set))
    .map(attribute => elements(der, attribute))
    .find(([identifier]) => hexOf(der, identifier!) === COMMON_NAME)?.[1]
  return common === undefined
    ? names
    : [...names, { kind: 'CN', bytes: der.subarray(common.start, common.end) }]
}

interface Element {
  readonly tag: number
  /** Offsets of its contents. */
  readonly start: number
  readonly end: number
}

const hexOf = (der: Buffer, { start, end }: Element) => der.toString('hex', start, end)

/** The elements within one. */
function elements(der: Buffer, { start, end }: { start: number; end: number }): Element[] {
  const found: Element[] = []
  for (let at = start; at < end; at = found.at(-1)!.end) found.push({ tag: der[at]!, ...element(der, at) })
  return found
}

/** The offsets of the contents of the DER element that begins at offset `at`. */
function element(der: Buffer, at: number): { start: number; end: number } {
  const short = der[at + 1]!
  if (short < 0x80) return { start: at + 2, end: at + 2 + short }
  const size = short & 0x7f
  const start = at + 2 + size
  return { start, end: start + der.readUIntBE(at + 2, size) }
}
