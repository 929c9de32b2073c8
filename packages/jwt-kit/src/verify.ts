import { ALGORITHM_SPECS } from './algorithms.ts'
import { isBase64url, type JsonObject, parseBytes } from './encoding.ts'
import { JwtKitError, type TokenErrorCode, type TokenPart } from './errors.ts'
import { checkHeader, encodeHeader, type HeaderRules } from './header.ts'
import { type Keyring, type RingKey, readRingKeys } from './keyring.ts'
import type { TokenKind } from './kind.ts'
import { type KitContext, MAX_PAYLOAD_BYTES, MAX_TOKEN_LENGTH } from './options.ts'
import { checkRegistered } from './registered.ts'
import { REGISTERED } from './schema.ts'

/** The check of the tokens of one kind. */
export interface TokenCheck {
  /** Throws for every token that is not of this kind or not good now, and otherwise returns its claims, frozen. */
  readonly verify: (token: unknown) => JsonObject
  /** Returns the claims of a payload that was verified: those of the schema and the registered ones, frozen. */
  readonly filterClaims: (payload: JsonObject) => JsonObject
}

/** Creates the check of the tokens of one kind. */
export function createTokenCheck(context: KitContext, kind: TokenKind): TokenCheck {
  let verifier = createRingVerifier(context.keys, kind)
  const filterClaims = createClaimsFilter(kind)

  const verify = (token: unknown) => {
    if (context.keys !== verifier.ring) verifier = createRingVerifier(context.keys, kind)
    const { header, payload, signature, input } = splitStrictly(token)
    const { key, hasSigned } = verifier.findKey(header)
    if (!isBase64url(payload)) throw malformed('payload', 'is not base64url')
    if (!isBase64url(signature)) throw malformed('signature', 'is not base64url')
    const now = context.now()
    if (!(now < key.verifyUntil)) {
      const hint = 'Log in again: new tokens are signed with a new key.'
      throw refuse('JWT_KIT_RETIRED_KEY', 'header', 'The key was retired', hint)
    }
    // Parsed before the signature is checked, so that a damaged token gets its own reason. Its size is bounded.
    const claims = parseBytes(scratch, scratch.write(payload, 'base64url'))
    if (typeof claims === 'string') throw malformed('payload', claims)
    if (!hasSigned(input, signature)) {
      throw refuse(
        'JWT_KIT_SIGNATURE',
        'signature',
        'The signature does not belong to the header and the payload',
        'The token was changed, or signed with another key: check the issuer, and the key of this key id.',
      )
    }
    checkRegistered(claims, context, now / 1000)
    return filterClaims(claims)
  }
  return { verify, filterClaims }
}

// One buffer for all: nothing is awaited between writing and reading.
const scratch = Buffer.alloc(MAX_PAYLOAD_BYTES)

interface KeyVerifier {
  readonly key: RingKey
  readonly hasSigned: (input: string, signature: string) => boolean
}

function createRingVerifier(ring: Keyring, kind: TokenKind) {
  const spec = ALGORITHM_SPECS[ring.algorithm]
  const keys = readRingKeys(ring)
  const rules: HeaderRules = { algorithms: spec.names, keys, kind }
  const verifiers = new Map<RingKey, KeyVerifier>()
  // The headers that this kit writes itself need no parsing.
  const knownHeaders = new Map<string, KeyVerifier>()
  for (const key of keys.values()) {
    const verifier = { key, hasSigned: spec.createVerifier(key.verificationKey) }
    verifiers.set(key, verifier)
    knownHeaders.set(encodeHeader(ring.algorithm, kind.typ, key.kid), verifier)
  }
  const findKey = (header: string) =>
    // Each key of the ring has a verifier.
    knownHeaders.get(header) ?? (verifiers.get(checkHeader(header, rules)) as KeyVerifier)
  return { ring, findKey }
}

/**
 * Creates the last step of verifying. It checks the claims of the schema, leaves out those that neither the schema nor the
 * kit names (RFC 7519 §4) or refuses them if the schema is closed, and freezes the rest.
 */
function createClaimsFilter({ checks }: TokenKind): (payload: JsonObject) => JsonObject {
  const names: ReadonlySet<string> = new Set([...checks.names, ...REGISTERED])
  return (payload) => {
    const fault = checks.atVerifying(payload)
    if (fault !== undefined) throw refuseClaims(fault.claim, fault.problem)
    for (const name of Object.keys(payload)) {
      if (names.has(name)) continue
      if (checks.closed) throw refuseClaims(undefined, 'extra')
      delete payload[name]
    }
    return freeze(payload)
  }
}

function freeze(value: JsonObject): JsonObject {
  for (const inner of Object.values(value)) {
    if (typeof inner === 'object' && inner !== null) freeze(inner as JsonObject)
  }
  return Object.freeze(value)
}

function splitStrictly(token: unknown) {
  if (typeof token !== 'string') throw malformed('token', 'is not text')
  if (token.length > MAX_TOKEN_LENGTH) throw tooLarge('token', `${MAX_TOKEN_LENGTH} characters`)
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second === -1 || token.indexOf('.', second + 1) !== -1) {
    throw malformed('token', 'does not have three parts with a dot between them')
  }
  const payload = token.slice(first + 1, second)
  if (Math.floor((payload.length * 3) / 4) > MAX_PAYLOAD_BYTES)
    throw tooLarge('payload', `${MAX_PAYLOAD_BYTES} bytes`)
  return {
    header: token.slice(0, first),
    payload,
    signature: token.slice(second + 1),
    input: token.slice(0, second),
  }
}

function tooLarge(part: TokenPart, limit: string): JwtKitError {
  const hint = 'Keep claims few: an id, and what is needed to decide. Look the rest up.'
  return refuse('JWT_KIT_TOO_LARGE', part, `The ${part} has more than ${limit}`, hint)
}

function malformed(part: TokenPart, problem: string): JwtKitError {
  return refuse(
    'JWT_KIT_MALFORMED',
    part,
    `The ${part} ${problem}`,
    'Send the token whole, as it was issued.',
  )
}

// The name of a claim that the schema does not name comes from the token, and is not repeated.
function refuseClaims(claim: string | undefined, problem: 'missing' | 'wrong' | 'extra'): JwtKitError {
  const message =
    claim === undefined
      ? 'The claims are not as the schema of this kind of token describes them'
      : `The claim ${claim} is ${problem === 'missing' ? 'missing' : 'not as the schema describes it'}`
  return new JwtKitError('JWT_KIT_CLAIMS', message, {
    part: 'payload',
    ...(claim !== undefined && { claim }),
    hint: 'The token was signed for another schema: issue a new one.',
  })
}

function refuse(code: TokenErrorCode, part: TokenPart, message: string, hint: string): JwtKitError {
  return new JwtKitError(code, message, { part, hint })
}
