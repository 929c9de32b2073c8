import { JwtKitError } from './errors.ts'

/** What is read of a request: Fastify's has it, and so has Node's own under `raw`. */
export interface BearerRequest {
  /** Node's own request. */
  readonly raw: {
    /** Names and values in turn, as they came: a header that came twice is there twice. */
    readonly rawHeaders?: readonly string[]
  }
  /** The headers by name, in lower case. */
  readonly headers: {
    /** `Bearer` and the token. */
    readonly authorization?: string | undefined
  }
}

/** `Bearer` and something after it that is no part of a longer word. */
const SCHEME = /^bearer(?![!#$%&'*+.^`|~\w-])/i
/** RFC 6750 §2.1: `"Bearer" 1*SP b64token`. */
const CREDENTIALS = /^bearer +([\w.~+/-]+=*)$/i

/**
 * The token in a request's `Authorization` header.
 *
 * @throws {JwtKitError} `JWT_KIT_NO_CREDENTIALS` (401) where there is none, or another scheme's; `JWT_KIT_INVALID_REQUEST`
 *   (400) where there are two, or it is not of the form that RFC 6750 §2.1 has.
 */
export function bearerToken(request: BearerRequest): string {
  // Node joins or drops a header that comes twice; what really came is in `rawHeaders`.
  if (count(request.raw.rawHeaders ?? []) > 1) throw invalidRequest('There are two Authorization headers')
  const header: unknown = request.headers.authorization ?? ''
  if (typeof header !== 'string') throw invalidRequest('The Authorization header is not text')
  const token = CREDENTIALS.exec(header)?.[1]
  if (token !== undefined) return token
  if (SCHEME.test(header)) throw invalidRequest('The Bearer header is malformed')
  throw new JwtKitError('JWT_KIT_NO_CREDENTIALS', 'There is no bearer token', {
    hint: 'Send the header `Authorization: Bearer <token>`.',
  })
}

function count(rawHeaders: readonly string[]): number {
  let found = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string
    if (name.length === 13 && name.toLowerCase() === 'authorization') found++
  }
  return found
}

function invalidRequest(message: string): JwtKitError {
  return new JwtKitError('JWT_KIT_INVALID_REQUEST', message, {
    hint: 'Send one header `Authorization: Bearer <token>`, with one space and nothing after the token.',
  })
}
