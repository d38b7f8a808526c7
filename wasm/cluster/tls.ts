/**
 * TLS: the host's side of `c/postgres/tls.c` and `c/libpq/tls.c`, which describe the protocol. The encryption itself is done by the Tls
 * object that the creator of the cluster provides, and by the sockets of connections to other servers.
 */
import type { ClientSocket } from '../machine/client-socket.js'
import type { TlsSession } from '../machine/tls-session.js'
import { concatenated } from '../protocol/bytes.js'
import { answerConnect } from './outgoing-tls.js'

/** PostgreSQL's settings ssl_*. File names are relative to the data directory, or '' for none. */
export interface TlsSettings {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
  readonly crlFile: string
  readonly crlDir: string
  readonly dhParamsFile: string
  /** 'TLSv1.2', 'TLSv1.3' or '' for no limit. */
  readonly minVersion: string
  readonly maxVersion: string
  readonly ciphers: string
  readonly cipherSuites: string
  readonly groups: string
  readonly preferServerCiphers: boolean
}

export interface TlsProvider {
  /** Uses these settings for connections from now on. If they are invalid, rejects and keeps the former. */
  load(settings: TlsSettings): Promise<void>
  /** Whether settings have been loaded, and if so, whether client certificates are verified. */
  readonly state: 'none' | 'loaded' | 'verifying'
}

/** What there is to answer questions with. */
export interface TlsSockets {
  /** Does TLS for clients. */
  readonly provider: TlsProvider | undefined
  /** Finds a connection by the number of its socket. */
  connectionOf(fd: number): ClientSocket | undefined
  /** Why a connection to another server has ended, if TLS is the reason. */
  failureOf(fd: number): string | undefined
}

/** Answers the question of a process on this connection. */
export function answerTls(socket: ClientSocket, sockets: TlsSockets): void {
  const question: Uint8Array[] = []
  const read = () => {
    question.push(...socket.getOutput())
  }
  const answer = async () => {
    read()
    const parts = await answerTo(concatenated(question), sockets).catch((error: Error) => [
      'error',
      error.message,
    ])
    socket.setInput(new TextEncoder().encode(parts.map(part => `${part}\0`).join('')))
    socket.endInput()
  }
  socket.onOutput = read
  socket.onShutdown = () => void answer()
  socket.onClose = () => socket.release()
}

async function answerTo(question: Uint8Array, sockets: TlsSockets): Promise<string[]> {
  const [request = '', fd = ''] = new TextDecoder().decode(question.subarray(0, LONGEST)).split('\0')
  const rest = question.subarray(request.length + fd.length + 2)
  if (request === 'connect') return answerConnect(sockets.connectionOf(Number(fd)), rest)
  if (request === 'failure') return ['ok', sockets.failureOf(Number(fd)) ?? '']
  const { provider } = sockets
  if (provider === undefined) throw new Error('this host cannot do TLS')
  if (request === 'load') {
    await provider.load(settingsOf(new TextDecoder().decode(question).split('\0').slice(1)))
    return ['ok']
  }
  if (provider.state === 'none') throw new Error('SSL context not set up')
  if (request === 'state') return ['ok', provider.state === 'verifying' ? '1' : '0']
  const client = sockets.connectionOf(Number(fd))
  if (client === undefined) throw new Error('the client is gone')
  return ['ok', ...partsOf(await client.onSecure(rest))]
}

/** Bytes of a question in which its name and the number of a socket are. */
const LONGEST = 32

function settingsOf(parts: readonly string[]): TlsSettings {
  const part = (index: number) => parts[index] ?? ''
  return {
    certFile: part(0),
    keyFile: part(1),
    caFile: part(2),
    crlFile: part(3),
    crlDir: part(4),
    dhParamsFile: part(5),
    minVersion: part(6),
    maxVersion: part(7),
    ciphers: part(8),
    cipherSuites: part(9),
    groups: part(10),
    preferServerCiphers: part(11) === '1',
  }
}

function partsOf({ peer, ...session }: TlsSession): string[] {
  const { version, cipher, cipherBits, alpnUsed, certificateHash } = session
  const parts = [version, cipher, String(cipherBits), alpnUsed ? '1' : '0', certificateHash]
  if (peer === undefined) return parts
  const { commonName, distinguishedName, subject, issuer, serial } = peer
  const named = commonName === undefined ? ['0', ''] : ['1', commonName]
  return [...parts, ...named, distinguishedName, subject, issuer, serial]
}
