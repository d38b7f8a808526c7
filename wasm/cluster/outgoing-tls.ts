/** TLS on a connection that a process has made: what `c/libpq/tls.c` asks, and how it is answered. */
import type { ClientSocket } from '../machine/client-socket.js'
import { type OutgoingTlsSession, type OutgoingTlsSettings, TlsFailure } from '../machine/tls-session.js'

/**
 * Answers "connect".
 *
 * @param connection the one of the socket in the question
 * @param question what is behind that socket: parts, each with its length in decimal digits and a NUL before it
 */
export async function answerConnect(
  connection: ClientSocket | undefined,
  question: Uint8Array,
): Promise<string[]> {
  try {
    if (connection === undefined) throw new TlsFailure('system', 'EOF detected')
    return partsOf(await connection.onConnectTls(settingsOf(sizedParts(question))))
  } catch (error) {
    return ['error', error instanceof TlsFailure ? error.what : 'host', (error as Error).message]
  }
}

function sizedParts(bytes: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at)
    const size = Number(new TextDecoder().decode(bytes.subarray(at, end)))
    parts.push(bytes.subarray(end + 1, end + 1 + size))
    at = end + 1 + size
  }
  return parts
}

function settingsOf(parts: readonly Uint8Array[]): OutgoingTlsSettings {
  const bytes = (index: number) => parts[index] ?? new Uint8Array()
  const text = (index: number) => new TextDecoder().decode(bytes(index))
  return {
    serverName: text(0),
    minVersion: text(1),
    maxVersion: text(2),
    verify: text(3) as OutgoingTlsSettings['verify'],
    roots: bytes(4),
    revocation: text(5) as OutgoingTlsSettings['revocation'],
    lists: bytes(6),
    certificate: bytes(7),
    key: bytes(8),
    password: text(9),
    secrets: text(10) === '1',
  }
}

function partsOf(session: OutgoingTlsSession): string[] {
  const { version, cipher, cipherBits, protocol, certificateRequested, certificateHash } = session
  return [
    ...['ok', version, cipher, String(cipherBits), protocol],
    ...[certificateRequested ? '1' : '', certificateHash],
    ...session.names.map(({ kind, bytes }) => `${kind}=${hex(bytes)}`),
    ...session.secrets.map(line => `KEY=${line}`),
  ]
}

const hex = (bytes: Uint8Array) => [...bytes].map(byte => byte.toString(16).padStart(2, '0')).join('')
