import { JwtKitError } from '@auth-primer/jwt-kit'

/** A request of Fastify, Express, Node's `http`, or `fetch`: anything with headers. */
export interface HeaderSource {
  /** Headers by name in lower case (Node), or an object with a `get` (fetch). */
  readonly headers: object
}

/** `Bearer` and something after it that does not continue the word. */
const SCHEME = /^bearer(?![!#$%&'*+.^`|~\w-])/i
/** RFC 6750 §2.1: `"Bearer" 1*SP b64token`. */
const CREDENTIALS = /^bearer +([\w.~+/-]+=*)$/i

/**
 * Returns the token in the `Authorization` header of a request.
 *
 * @throws {JwtKitError} `JWT_KIT_NO_CREDENTIALS` (401) if there is none, `JWT_KIT_INVALID_REQUEST` (400) if there are two or
 *   the header is not of the form in RFC 6750 §2.1.
 */
export function bearerToken(request: HeaderSource): string {
  const [header = '', ...others] = authorizationHeaders(request)
  if (others.length > 0) throw invalidRequest('There are two Authorization headers')
  const token = CREDENTIALS.exec(header)?.[1]
  if (token !== undefined) return token
  if (SCHEME.test(header)) throw invalidRequest('The Bearer header is malformed')
  throw new JwtKitError('JWT_KIT_NO_CREDENTIALS', 'There is no bearer token', {
    hint: 'Send the header `Authorization: Bearer <token>`.',
  })
}

interface NodeRequest {
  readonly raw?: { readonly rawHeaders?: readonly string[] }
  readonly rawHeaders?: readonly string[]
  readonly headers: { readonly authorization?: string; get?(name: string): string | null }
}

function authorizationHeaders(source: HeaderSource): readonly string[] {
  const request = source as unknown as NodeRequest
  if (typeof request.headers.get === 'function') {
    const header = request.headers.get('authorization')
    return header === null ? [] : [header]
  }
  // Node drops the second of two headers, but not here.
  const raw = request.raw?.rawHeaders ?? request.rawHeaders
  if (raw !== undefined) {
    return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === 'authorization')
  }
  return request.headers.authorization === undefined ? [] : [request.headers.authorization]
}

function invalidRequest(message: string): JwtKitError {
  return new JwtKitError('JWT_KIT_INVALID_REQUEST', message, {
    hint: 'Send one header `Authorization: Bearer <token>`, with one space and nothing after the token.',
  })
}
