import { ALGORITHM_SPECS } from './algorithms.ts'
import { countMembers, isObject, type JsonObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'
import { encodeHeader } from './header.ts'
import { type Keyring, readRingKeys } from './keyring.ts'
import type { TokenKind } from './kind.ts'
import { checkOptionNames, type Duration, readSeconds } from './option-checks.ts'
import { type KitContext, MAX_PAYLOAD_BYTES } from './options.ts'
import type { ClaimFault } from './schema.ts'

/** The options of `sign`. */
export interface SignOptions {
  /** A shorter lifetime than that of the kind. */
  readonly ttl?: Duration
  /** The time from now until the token becomes valid (`nbf`). Its lifetime still starts now. */
  readonly notBefore?: Duration
}

const OPTION_NAMES = ['ttl', 'notBefore']

/** Creates the function that signs tokens of one kind. It checks the claims as a reader will see them: after JSON. */
export function createSign(
  context: KitContext,
  kind: TokenKind,
): (claims: unknown, options?: SignOptions) => string {
  let { keys } = context
  let signPayload = createPayloadSigner(keys, kind)
  const { issuer: iss, audience: aud } = context
  const fixed = aud === undefined ? { iss } : { iss, aud }

  return (claims, options) => {
    if (context.keys !== keys) {
      keys = context.keys
      signPayload = createPayloadSigner(keys, kind)
    }
    if (signPayload === undefined) {
      throw new JwtKitError('JWT_KIT_NO_SIGNING_KEY', 'The ring has no key to sign with', {
        hint: 'Give it a secret or a private key without `verifyUntil`, or only verify.',
      })
    }
    const own = checkClaims(claims, kind)
    const iat = Math.floor(context.now() / 1000)
    const { exp, nbf } = readTimes(iat, kind, options)
    const payload = { ...own, iat, exp, jti: context.jti(), ...(nbf !== undefined && { nbf }), ...fixed }
    const json = Buffer.from(JSON.stringify(payload))
    if (json.length > MAX_PAYLOAD_BYTES) throw tooLarge()
    return signPayload(json.toString('base64url'))
  }
}

function readTimes(iat: number, kind: TokenKind, options: SignOptions | undefined) {
  if (options === undefined) return { exp: iat + kind.ttl, nbf: undefined }
  checkOptionNames('sign', options, OPTION_NAMES)
  const ttl =
    options.ttl === undefined ? kind.ttl : readSeconds('ttl', options.ttl, { min: '1s', max: `${kind.ttl}s` })
  if (options.notBefore === undefined) return { exp: iat + ttl, nbf: undefined }
  const delay = readSeconds('notBefore', options.notBefore, { min: '0s', max: `${ttl - 1}s` })
  return { exp: iat + ttl, nbf: iat + delay }
}

function createPayloadSigner(ring: Keyring, kind: TokenKind): ((payload: string) => string) | undefined {
  const keys = [...readRingKeys(ring).values()]
  const key = keys.find(
    ({ signingKey, verifyUntil }) => signingKey && verifyUntil === Number.POSITIVE_INFINITY,
  )
  if (key?.signingKey === undefined) return undefined
  const sign = ALGORITHM_SPECS[ring.algorithm].createSigner(key.signingKey)
  const header = encodeHeader(ring.algorithm, kind.typ, key.kid)
  return (payload) => {
    const input = `${header}.${payload}`
    return `${input}.${sign(input)}`
  }
}

function checkClaims(claims: unknown, kind: TokenKind): JsonObject {
  if (!isObject(claims)) throw refuse({ claim: undefined, problem: 'wrong' })
  const own = { ...claims }
  accept(own, kind)
  // JSON does not change these. An object may change itself (`toJSON`), and other values have no JSON.
  if (Object.values(own).every(isPlain)) return own
  return accept(passThroughJson(own), kind)
}

function isPlain(value: unknown): boolean {
  return (
    typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value) || value === undefined
  )
}

function accept(claims: JsonObject, kind: TokenKind): JsonObject {
  const fault = kind.checks.atSigning(claims)
  if (fault === undefined) return claims
  throw refuse(fault)
}

function passThroughJson(claims: JsonObject): JsonObject {
  try {
    const json = JSON.stringify(claims)
    const parsed: unknown = typeof countMembers(Buffer.from(json)) === 'string' ? undefined : JSON.parse(json)
    if (isObject(parsed)) return parsed
  } catch {
    // Circular, or a BigInt: refused below.
  }
  throw refuse({ claim: undefined, problem: 'wrong' })
}

function refuse({ claim, problem }: ClaimFault): JwtKitError {
  const [message, hint] = describe(claim, problem)
  return new JwtKitError('JWT_KIT_SIGN_CLAIMS', message, {
    part: 'payload',
    ...(claim !== undefined && { claim }),
    hint,
  })
}

function describe(claim: string | undefined, problem: ClaimFault['problem']): readonly [string, string] {
  if (claim === undefined)
    return ['The claims are not an object as the schema describes it', 'Give each claim of the schema.']
  if (problem === 'missing') return [`The claim ${claim} is missing`, 'The schema requires it.']
  if (problem === 'wrong')
    return [`The claim ${claim} is not as the schema describes it`, 'Compare its type and its bounds.']
  return [
    `The claim ${claim} is not in the schema`,
    'Add it to the schema, or leave it out. The kit writes the registered claims itself.',
  ]
}

function tooLarge(): JwtKitError {
  return new JwtKitError(
    'JWT_KIT_SIGN_TOO_LARGE',
    `The payload would have more than ${MAX_PAYLOAD_BYTES} bytes`,
    {
      part: 'payload',
      hint: 'Keep claims few: an id, and what is needed to decide. Look the rest up.',
    },
  )
}
