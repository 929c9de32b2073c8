import type { Algorithm } from './algorithms.ts'
import { isBase64url } from './base64url.ts'
import { JwtKitError, type TokenErrorCode } from './errors.ts'
import type { RingKey } from './keyring.ts'
import type { TokenKind } from './kind.ts'
import { parseObject } from './strict-json.ts'

// `crit` asks for an extension, and there are none here (RFC 7515 §4.1.11); the rest change what is signed (RFC 7797), say
// that it is something else, or bring a key of the sender's own (RFC 8725 §3.10). Any other member is ignored, as RFC 7515
// §4 has it.
const REFUSED_MEMBERS = ['crit', 'b64', 'jwk', 'jku', 'x5c', 'x5u', 'zip', 'enc'] as const

/** What a header must say. */
export interface HeaderRules {
  readonly algorithm: Algorithm
  readonly keys: ReadonlyMap<string, RingKey>
  readonly kind: TokenKind
}

/**
 * Reads a header, and finds the key that it names: in a map, by a key id that names a key and nothing else.
 *
 * @throws {JwtKitError} `JWT_KIT_MALFORMED`, `_ALGORITHM`, `_WRONG_KIND`, `_HEADER` or `_UNKNOWN_KEY`.
 */
export function checkHeader(part: string, { algorithm, keys, kind }: HeaderRules): RingKey {
  const header = isBase64url(part) ? parseObject(part) : 'is not base64url'
  if (typeof header === 'string') {
    throw fault('JWT_KIT_MALFORMED', `The header ${header}`, 'Send the token whole, as it was issued.')
  }
  if (header.alg !== algorithm) {
    throw fault(
      'JWT_KIT_ALGORITHM',
      `The header does not say alg ${algorithm}`,
      `This service signs with ${algorithm} only.`,
    )
  }
  if (!isOfKind(header.typ, kind)) {
    const message = `The header does not say typ ${kind.typ}`
    throw fault('JWT_KIT_WRONG_KIND', message, 'Another kind of token is for another purpose.')
  }
  const refused = REFUSED_MEMBERS.find((name) => Object.hasOwn(header, name))
  if (refused !== undefined) {
    throw fault(
      'JWT_KIT_HEADER',
      `The header has the member ${refused}`,
      `A token of this kit has alg, typ and kid.`,
    )
  }
  return findKey(header, keys)
}

/** Whether a `typ` is that of a kind. RFC 9068 §4 has two spellings of its media type, and media types have no case. */
export function isOfKind(typ: unknown, kind: TokenKind): boolean {
  if (typ === kind.typ) return true
  return (
    kind.rfc9068 && typeof typ === 'string' && typ.toLowerCase().replace(/^application\//, '') === kind.typ
  )
}

function findKey(header: Record<string, unknown>, keys: ReadonlyMap<string, RingKey>): RingKey {
  const [only] = keys.values()
  const key = Object.hasOwn(header, 'kid')
    ? keys.get(header.kid as string)
    : keys.size === 1
      ? only
      : undefined
  if (key !== undefined) return key
  throw fault(
    'JWT_KIT_UNKNOWN_KEY',
    Object.hasOwn(header, 'kid')
      ? 'The header names a key that is not on the ring'
      : 'The header names no key',
    'Put the key on the ring by its kid, or issue a new token.',
  )
}

function fault(code: TokenErrorCode, message: string, hint: string): JwtKitError {
  return new JwtKitError(code, message, { part: 'header', hint })
}
