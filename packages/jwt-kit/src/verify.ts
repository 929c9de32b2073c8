import { isBase64url, isCanonical } from './base64url.ts'
import { type KitContext, MAX_PAYLOAD_BYTES, MAX_TOKEN_LENGTH } from './context.ts'
import { createEngineVerifier } from './engine.ts'
import { JwtKitError, type TokenErrorCode, type TokenPart } from './errors.ts'
import { checkHeader, type HeaderRules } from './header.ts'
import { keysOf } from './keyring.ts'
import type { TokenKind } from './kind.ts'
import { createPresent } from './present.ts'
import { checkRegistered } from './registered.ts'
import { type JsonObject, membersOf, surveyJson, TWICE } from './strict-json.ts'

/** How a kind's tokens are checked. */
export interface Check {
  readonly check: (token: unknown) => JsonObject
  /** The claims of a payload that was verified: those of the schema and the registered ones, frozen. */
  readonly present: (payload: JsonObject) => JsonObject
}

/**
 * Makes the check of one kind's tokens. It throws for every token that is not this kind's and good now, and otherwise gives
 * the claims, frozen.
 */
export function createCheck(context: KitContext, kind: TokenKind): Check {
  const algorithm = context.keys.algorithm
  const keys = keysOf(context.keys)
  const rules: HeaderRules = { algorithm, keys, kind }
  const verifiers = new Map([...keys.values()].map((key) => [key, createEngineVerifier(algorithm, key)]))
  // The headers that this kit writes itself need no reading.
  const known = new Map([...keys.values()].map((key) => [encodeHeader(algorithm, kind.typ, key.kid), key]))
  const present = createPresent(kind)

  const check = (token: unknown) => {
    const [header, payload, signature] = split(token)
    const key = known.get(header) ?? checkHeader(header, rules)
    // fast-jwt looks at every character of the payload, but not at what the last one leaves over.
    if (!isCanonical(payload)) throw malformed('payload', 'is not base64url')
    if (!isBase64url(signature)) throw malformed('signature', 'is not base64url')
    const now = context.now()
    if (!(now < key.verifyUntil)) {
      throw fault(
        'JWT_KIT_RETIRED_KEY',
        'header',
        'The key was retired',
        'Log in again: new tokens are signed with a new key.',
      )
    }
    const members = surveyJson(scratch, scratch.write(payload, 'base64url'))
    if (typeof members === 'string') throw malformed('payload', members)
    const verify = verifiers.get(key) as (token: string) => JsonObject
    const claims = verify(token as string)
    if (members !== membersOf(claims)) throw malformed('payload', TWICE)
    checkRegistered(claims, context, now / 1000)
    return present(claims)
  }
  return { check, present }
}

// One for all: nothing is awaited between writing and reading.
const scratch = Buffer.alloc(MAX_PAYLOAD_BYTES)

/** The header of a token, encoded. */
export function encodeHeader(alg: string, typ: string, kid: string): string {
  return Buffer.from(JSON.stringify({ alg, typ, kid })).toString('base64url')
}

function split(token: unknown): [string, string, string] {
  if (typeof token !== 'string') throw malformed('token', 'is not text')
  if (token.length > MAX_TOKEN_LENGTH) {
    throw fault(
      'JWT_KIT_TOO_LARGE',
      'token',
      `The token has more than ${MAX_TOKEN_LENGTH} characters`,
      SMALLER,
    )
  }
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second === -1 || token.indexOf('.', second + 1) !== -1) {
    throw malformed('token', 'has not three parts with a dot between them')
  }
  const payload = token.slice(first + 1, second)
  if (Math.floor((payload.length * 3) / 4) > MAX_PAYLOAD_BYTES) {
    throw fault(
      'JWT_KIT_TOO_LARGE',
      'payload',
      `The payload has more than ${MAX_PAYLOAD_BYTES} bytes`,
      SMALLER,
    )
  }
  return [token.slice(0, first), payload, token.slice(second + 1)]
}

const SMALLER = 'Keep claims few: an id, and what is needed to decide. Look the rest up.'

function malformed(part: TokenPart, why: string): JwtKitError {
  return fault('JWT_KIT_MALFORMED', part, `The ${part} ${why}`, 'Send the token whole, as it was issued.')
}

function fault(code: TokenErrorCode, part: TokenPart, message: string, hint: string): JwtKitError {
  return new JwtKitError(code, message, { part, hint })
}
