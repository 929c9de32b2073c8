import { JwtKitError, type TokenErrorCode, type TokenPart } from '@auth-primer/jwt-kit'
import type { RemoteRules } from './options.ts'

/** A JSON object. */
export type JsonObject = Record<string, unknown>

/** A token that was read, but not verified yet. */
export interface UnverifiedToken {
  readonly alg: string
  readonly kid: string | undefined
  readonly payload: JsonObject
}

// `crit` asks for an extension, and none is supported here (RFC 7515 §4.1.11). The others change what is signed (RFC 7797)
// or mean that the token is encrypted. `jwk`, `jku`, `x5c` and `x5u` are ignored: keys come only from the provider's set.
const REFUSED_MEMBERS = ['crit', 'b64', 'zip', 'enc'] as const

/**
 * Reads a token and checks its header against the rules.
 *
 * @throws {JwtKitError} `JWT_KIT_MALFORMED`, `_TOO_LARGE`, `_ALGORITHM`, `_WRONG_KIND` or `_HEADER`.
 */
export function readToken(token: unknown, rules: RemoteRules): UnverifiedToken {
  if (typeof token !== 'string') throw malformed('token', 'is not text')
  if (token.length > rules.maxTokenLength) {
    throw fault(
      'JWT_KIT_TOO_LARGE',
      'token',
      `The token has more than ${rules.maxTokenLength} characters`,
      'Ask the provider for fewer claims, or raise `maxTokenLength`.',
    )
  }
  const parts = token.split('.', 4)
  if (parts.length !== 3) throw malformed('token', 'does not have three parts with a dot between them')
  const header = parseObject('header', parts[0] as string)
  const payload = parseObject('payload', parts[1] as string)
  if (!isBase64url(parts[2] as string)) throw malformed('signature', 'is not base64url')
  return { ...checkHeader(header, rules), payload }
}

function checkHeader(header: JsonObject, rules: RemoteRules): { alg: string; kid: string | undefined } {
  const { alg, kid, typ } = header
  if (typeof alg !== 'string' || !rules.algorithms.some((allowed) => allowed === alg)) {
    throw fault(
      'JWT_KIT_ALGORITHM',
      'header',
      'The header names an algorithm that is not allowed',
      `This service accepts ${rules.algorithms.join(', ')}: see the option \`algorithms\`.`,
    )
  }
  if (!rules.typ.has(normalizeType(typ))) {
    throw fault(
      'JWT_KIT_WRONG_KIND',
      'header',
      'The typ in the header is not accepted here',
      'Another kind of token is for another purpose. The option `typ` lists the accepted ones; null is for a token without a typ.',
    )
  }
  const refused = REFUSED_MEMBERS.find((name) => Object.hasOwn(header, name))
  if (refused !== undefined) {
    throw fault(
      'JWT_KIT_HEADER',
      'header',
      `The header has the member ${refused}`,
      'Ask the provider for a plain JWS.',
    )
  }
  if (kid !== undefined && typeof kid !== 'string') throw malformed('header', 'has a kid that is not text')
  return { alg, kid }
}

/** Media types have no case, and `application/` may be left out (RFC 7515 §4.1.9). Returns null if there is none. */
export function normalizeType(typ: unknown): unknown {
  if (typ === undefined || typ === null) return null
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
}

function parseObject(part: 'header' | 'payload', text: string): JsonObject {
  if (!isBase64url(text)) throw malformed(part, 'is not base64url')
  let value: unknown
  try {
    value = JSON.parse(decoder.decode(Buffer.from(text, 'base64url')))
  } catch {
    throw malformed(part, 'is not JSON')
  }
  if (!isObject(value)) throw malformed(part, 'is not a JSON object')
  return value
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns true if the text is base64url without padding, in the one spelling that its bytes have (RFC 4648 §3.5). */
function isBase64url(text: string): boolean {
  return Buffer.from(text, 'base64url').toString('base64url') === text
}

/** Returns true if the value is an object, and neither an array nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(part: TokenPart, why: string): JwtKitError {
  return fault(
    'JWT_KIT_MALFORMED',
    part,
    `The ${part} ${why}`,
    'Send the token whole, as the provider issued it.',
  )
}

function fault(code: TokenErrorCode, part: TokenPart, message: string, hint: string): JwtKitError {
  return new JwtKitError(code, message, { part, hint })
}
