import { type KitContext, MAX_PAYLOAD_BYTES } from './context.ts'
import { type Duration, seconds } from './duration.ts'
import { createEngineSigner } from './engine.ts'
import { JwtKitError } from './errors.ts'
import { keysOf, type RingKey } from './keyring.ts'
import type { TokenKind } from './kind.ts'
import { isObject, type JsonObject, surveyJson } from './strict-json.ts'

/** What may be said of one token. */
export interface SignOptions {
  /** A shorter life than the kind's. */
  readonly ttl?: Duration
  /** How long from now the token becomes valid (`nbf`); its life is counted from now all the same. */
  readonly notBefore?: Duration
}

/**
 * Makes the signer of one kind's tokens. What is checked against the schema is what will be read from the token: the claims
 * after their way through JSON.
 */
export function createSign(
  context: KitContext,
  kind: TokenKind,
): (claims: unknown, options?: SignOptions) => string {
  const key = signingKey(context)
  const fixed = {
    typ: kind.typ,
    iss: context.issuer,
    ...(context.audience !== undefined && { aud: context.audience }),
  }
  const engine = key && createEngineSigner(context.keys.algorithm, key, fixed)
  const longest = `${kind.ttl}s`

  return (claims, options = {}) => {
    if (engine === undefined) {
      throw new JwtKitError('JWT_KIT_NO_SIGNING_KEY', 'The ring has no key to sign with', {
        hint: 'Give it a secret or a private key without `verifyUntil`, or only verify.',
      })
    }
    const own = checkClaims(claims, kind)
    const iat = Math.floor(context.now() / 1000)
    const ttl =
      options.ttl === undefined ? kind.ttl : seconds('ttl', options.ttl, { min: '1s', max: longest })
    const payload: JsonObject = { ...own, iat, exp: iat + ttl, jti: context.jti() }
    if (options.notBefore !== undefined) {
      payload.nbf = iat + seconds('notBefore', options.notBefore, { min: '0s', max: `${ttl - 1}s` })
    }
    return checkSize(engine(payload))
  }
}

function signingKey(context: KitContext): RingKey | undefined {
  const keys = [...keysOf(context.keys).values()]
  return keys.find((key) => key.signs !== undefined && key.verifyUntil === Number.POSITIVE_INFINITY)
}

function checkClaims(claims: unknown, kind: TokenKind): JsonObject {
  if (!isObject(claims)) throw refused('')
  const own = { ...claims }
  accept(own, kind)
  // Text, numbers and booleans come through JSON as they are; an object may have a say in it (`toJSON`).
  if (Object.values(own).every((value) => typeof value !== 'object')) return own
  return accept(throughJson(own), kind)
}

function accept(claims: unknown, kind: TokenKind): JsonObject {
  const wrong = kind.checks.atSigning(claims)
  if (wrong === undefined) return claims as JsonObject
  throw refused(wrong)
}

function throughJson(claims: JsonObject): unknown {
  try {
    const json = JSON.stringify(claims)
    return typeof surveyJson(Buffer.from(json)) === 'string' ? undefined : JSON.parse(json)
  } catch {
    return undefined
  }
}

function refused(claim: string): JwtKitError {
  return new JwtKitError('JWT_KIT_SIGN_CLAIMS', 'The claims are not those of this kind of token', {
    part: 'payload',
    ...(claim !== '' && { claim }),
    hint: 'Give each claim of the schema, of its type, and no other; the registered ones are added by the kit.',
  })
}

function checkSize(token: string): string {
  const bytes = Math.floor(((token.indexOf('.', token.indexOf('.') + 1) - token.indexOf('.') - 1) * 3) / 4)
  if (bytes <= MAX_PAYLOAD_BYTES) return token
  throw new JwtKitError(
    'JWT_KIT_SIGN_TOO_LARGE',
    `The payload would have more than ${MAX_PAYLOAD_BYTES} bytes`,
    {
      part: 'payload',
      hint: 'Keep claims few: an id, and what is needed to decide. Look the rest up.',
    },
  )
}
