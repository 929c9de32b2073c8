import { isBase64url, parseObject } from './encoding.ts'
import { JwtKitError, type TokenErrorCode } from './errors.ts'
import type { RingKey } from './keyring.ts'
import type { TokenKind } from './kind.ts'

// `crit` requires an extension, and there are none here (RFC 7515 §4.1.11). The others change what is signed (RFC 7797), mark
// something other than a JWS, or bring the sender's own key (RFC 8725 §3.10). Any other member is ignored (RFC 7515 §4).
const REFUSED_MEMBERS = ['crit', 'b64', 'jwk', 'jku', 'x5c', 'x5u', 'zip', 'enc'] as const

/** The rules for a header. */
export interface HeaderRules {
  /** The names that the algorithm of the ring has. */
  readonly algorithms: readonly string[]
  readonly keys: ReadonlyMap<string, RingKey>
  readonly kind: TokenKind
}

/** Encodes the header of a token. */
export function encodeHeader(alg: string, typ: string, kid: string): string {
  return Buffer.from(JSON.stringify({ alg, typ, kid })).toString('base64url')
}

/**
 * Checks a header and returns the key that it names. A key id is only looked up in a map, and never used as anything else.
 *
 * @throws {JwtKitError} `JWT_KIT_MALFORMED`, `_ALGORITHM`, `_WRONG_KIND`, `_HEADER` or `_UNKNOWN_KEY`.
 */
export function checkHeader(part: string, { algorithms, keys, kind }: HeaderRules): RingKey {
  const header = isBase64url(part) ? parseObject(part) : 'is not base64url'
  if (typeof header === 'string') {
    throw refuse('JWT_KIT_MALFORMED', `The header ${header}`, 'Send the token whole, as it was issued.')
  }
  if (!algorithms.includes(header.alg as string)) {
    const expected = algorithms.join(' or ')
    throw refuse(
      'JWT_KIT_ALGORITHM',
      `The \`alg\` of the header is not ${expected}`,
      `The keys of this service are for ${expected} only.`,
    )
  }
  if (!hasKind(header.typ, kind)) {
    const message = `The \`typ\` of the header is not ${kind.typ}`
    throw refuse('JWT_KIT_WRONG_KIND', message, 'Another kind of token is for another purpose.')
  }
  const refused = REFUSED_MEMBERS.find((name) => Object.hasOwn(header, name))
  if (refused !== undefined) {
    throw refuse(
      'JWT_KIT_HEADER',
      `The header has the member ${refused}`,
      'A kit writes alg, typ and kid only.',
    )
  }
  return findKey(header, keys)
}

/** Returns true if a `typ` is that of a kind. RFC 9068 §4 has two spellings of its media type, and media types have no case. */
export function hasKind(typ: unknown, kind: TokenKind): boolean {
  if (typ === kind.typ) return true
  return (
    kind.rfc9068 && typeof typ === 'string' && typ.toLowerCase().replace(/^application\//, '') === kind.typ
  )
}

function findKey(header: Record<string, unknown>, keys: ReadonlyMap<string, RingKey>): RingKey {
  const [only] = keys.values()
  const isNamed = Object.hasOwn(header, 'kid')
  const key = isNamed ? keys.get(header.kid as string) : keys.size === 1 ? only : undefined
  if (key !== undefined) return key
  throw refuse(
    'JWT_KIT_UNKNOWN_KEY',
    isNamed ? 'The header names a key that is not on the ring' : 'The header names no key',
    'Put the key on the ring by its kid, or issue a new token.',
  )
}

function refuse(code: TokenErrorCode, message: string, hint: string): JwtKitError {
  return new JwtKitError(code, message, { part: 'header', hint })
}
