/** Makes a self-signed certificate, for encryption without a certification authority: X.509 v3 in DER (RFC 5280). */
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'

const DAY = 24 * 3600 * 1000
/** Long, because clients are given the certificate by hand. */
const VALIDITY = 3650 * DAY

/** Makes server.crt and server.key in a data directory, where PostgreSQL looks for them, unless both exist. */
export function ensureSelfSigned(dataDir: string): void {
  const [certificate, key] = [join(dataDir, 'server.crt'), join(dataDir, 'server.key')]
  if (existsSync(certificate) && existsSync(key)) return
  const made = selfSigned(['localhost', hostname()], ['127.0.0.1', '::1'])
  write(key, made.key, 0o600)
  write(certificate, made.certificate, 0o644)
}

function write(path: string, text: string, mode: number): void {
  const fd = openSync(`${path}.tmp`, 'w', mode)
  writeSync(fd, text)
  fsyncSync(fd)
  closeSync(fd)
  renameSync(`${path}.tmp`, path)
}

/** @returns certificate and private key in PEM (PKCS #8) */
export function selfSigned(
  names: readonly string[],
  addresses: readonly string[],
): { certificate: string; key: string } {
  const pair = generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const name = sequence(set(sequence(oid('550403'), utf8(names[0]!))))
  const alternatives = sequence(
    ...[...new Set(names)].map(text => der(0x82, Buffer.from(text))),
    ...addresses.map(text => der(0x87, addressBytes(text))),
  )
  const extensions = sequence(
    sequence(oid('551d13'), der(0x01, Buffer.from([0xff])), octets(sequence(der(0x01, Buffer.from([0xff]))))), // basicConstraints: CA
    sequence(oid('551d11'), octets(alternatives)), // subjectAltName
  )
  const algorithm = sequence(oid('2a8648ce3d040302')) // ecdsa-with-SHA256
  const now = Date.now()
  const serial = Buffer.concat([Buffer.from([0x01]), randomBytes(15)])
  const signed = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // v3
    der(0x02, serial),
    algorithm,
    name,
    sequence(time(now - DAY), time(now + VALIDITY)),
    name,
    pair.publicKey,
    der(0xa3, extensions),
  )
  const signature = sign('sha256', signed, createPrivateKey(pair.privateKey))
  const whole = sequence(signed, algorithm, der(0x03, Buffer.concat([Buffer.alloc(1), signature])))
  const lines = whole.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: pair.privateKey,
  }
}

function der(tag: number, contents: Buffer): Buffer {
  const { length } = contents
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), contents])
}

const sequence = (...parts: Buffer[]) => der(0x30, Buffer.concat(parts))
const set = (part: Buffer) => der(0x31, part)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const utf8 = (text: string) => der(0x0c, Buffer.from(text))
const octets = (contents: Buffer) => der(0x04, contents)

/** UTCTime before 2050, GeneralizedTime from then on, as RFC 5280 demands. */
function time(milliseconds: number): Buffer {
  const digits = new Date(milliseconds).toISOString().replace(/\.\d+|[-:T]/g, '')
  return digits < '2050' ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits))
}

function addressBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number))
  const [front = '', back = ''] = text.split('::')
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16))
  const bytes = Buffer.alloc(16)
  const [head, tail] = [groups(front), groups(back)]
  for (const [i, group] of head.entries()) bytes.writeUInt16BE(group, 2 * i)
  for (const [i, group] of tail.entries()) bytes.writeUInt16BE(group, 16 - 2 * (tail.length - i))
  return bytes
}
