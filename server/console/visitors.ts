/**
 * Who may use the console: those who know its token, and who come by a name of this server from the console's own page. The token is in
 * the path, not in a cookie, which a browser would also send for pages of other programs on this host. Host and Origin are checked because
 * a page of somebody else may have its own name resolved to this machine (DNS rebinding).
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** A token that cannot be guessed: 32 characters that need no escaping in a URL. */
export const newToken = (): string => randomBytes(24).toString('base64url')

/** A request's path behind the token, or why the request is refused. */
export interface Checked {
  readonly path: string
  readonly refusal?: string
}

export class Visitors {
  readonly #prefix: string
  readonly #token: Buffer
  readonly #names: readonly string[]

  /**
   * @param prefix the path before the token, without a slash at its end
   * @param host the name that the HTTP server listens on
   */
  constructor(prefix: string, token: string, host: string) {
    this.#prefix = prefix
    this.#token = hash(token)
    this.#names = ['localhost', host.toLowerCase()]
  }

  /** Checks a request, which may have no Origin: browsers send none when a page loads what belongs to it. */
  check(request: IncomingMessage): Checked {
    const { host, origin } = request.headers
    const name = nameIn(host)
    if (name === undefined || !this.#isOwn(name))
      return refused(
        `the console answers at localhost, at IP addresses and at the name of --http-host, not at "${host ?? ''}"`,
      )
    if (origin !== undefined && !isOriginOf(origin, host!))
      return refused(`the console does not answer pages of ${origin}`)
    const [token = '', ...rest] = pathOf(request)
      .slice(this.#prefix.length + 1)
      .split('/')
    if (!timingSafeEqual(hash(token), this.#token))
      return refused('the token is missing or wrong: open the URL that the server has printed at its start')
    // Without the slash at the end, the page would look for its parts beside the token.
    return rest.length === 0 ? refused('the URL of the console ends in a slash') : { path: rest.join('/') }
  }

  /** Checks a request for a WebSocket: browsers send its Origin always. */
  checkSocket(request: IncomingMessage): Checked {
    if (!pathOf(request).startsWith(`${this.#prefix}/`)) return refused('there is no WebSocket at this path')
    return request.headers.origin === undefined ? refused('there is no Origin') : this.check(request)
  }

  /** A name that resolves to this machine in any case. Nobody else can have it resolve to his own first, as rebinding needs. */
  #isOwn(name: string): boolean {
    return isIP(name.replace(/^\[|\]$/g, '')) !== 0 || this.#names.includes(name)
  }
}

const refused = (refusal: string): Checked => ({ path: '', refusal })

const hash = (text: string) => createHash('sha256').update(text).digest()

const pathOf = (request: IncomingMessage) => new URL(request.url ?? '/', 'http://console').pathname

/** The name in a Host header, without the port, which may be another one where a port is forwarded. */
function nameIn(host: string | undefined): string | undefined {
  const url = `http://${host}`
  return host !== undefined && URL.canParse(url) ? new URL(url).hostname : undefined
}

/** Whether a request came to a name that only this machine has, as browsers judge: there they also have cryptography without HTTPS. */
export function comesFromHere({ headers }: IncomingMessage): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(nameIn(headers.host) ?? '')
}

/** Whether this is the origin of pages at that Host; a proxy in front may have https. */
function isOriginOf(origin: string, host: string): boolean {
  return [`http://${host}`, `https://${host}`].some(own => origin === own)
}
