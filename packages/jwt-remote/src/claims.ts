import { type ClaimsOf, type ClaimsSchema, type Frozen, JwtKitError, tokenKind } from '@auth-primer/jwt-kit'
import { isObject, type JsonObject } from './token.ts'

/** The registered claims of a provider's token (RFC 7519 §4.1). Times are seconds since the epoch. */
export interface RemoteRegisteredClaims {
  /** The issuer: one of the option `issuer`. */
  readonly iss: string
  /** The audience, or a list of them. */
  readonly aud?: string | readonly string[]
  /** The time from which on the token is rejected. */
  readonly exp: number
  /** The time at which it was issued. */
  readonly iat?: number
  /** The time before which it is rejected. */
  readonly nbf?: number
  /** The token's own id. */
  readonly jti?: string
}

/** What `verify` returns: the claims that the schema names and the registered ones, frozen at every depth. */
export type RemoteClaims<C extends ClaimsSchema> = Frozen<ClaimsOf<C>> & RemoteRegisteredClaims

const REGISTERED = ['iss', 'aud', 'exp', 'iat', 'nbf', 'jti'] as const

/**
 * Returns a function that checks a verified payload against the schema, leaves out claims that the schema does not name, and
 * freezes the rest. It throws a `JwtKitError` with the code `JWT_KIT_CLAIMS`.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` if the schema cannot describe claims.
 */
export function createClaimsReader(schema: ClaimsSchema): (payload: JsonObject) => JsonObject {
  // jwt-kit compiles the schema, so both packages accept the same ones. The type and the lifetime play no part here.
  const { checks } = tokenKind('remote+jwt', { ttl: '1d', claims: markPublic(schema) })
  const names: ReadonlySet<string> = new Set([...checks.names, ...REGISTERED])
  return (payload) => {
    const fault: unknown = checks.atVerifying(payload)
    if (fault !== undefined) throw mismatch(isObject(fault) ? fault.claim : fault)
    const entries = Object.entries(payload).filter(([name]) => names.has(name))
    if (checks.closed && entries.length < Object.keys(payload).length) throw mismatch(undefined)
    return freeze(Object.fromEntries(entries))
  }
}

// jwt-kit rejects names such as `email` so that a service does not put them into its own tokens. Here the provider has
// already decided.
function markPublic<S>(schema: S): S {
  if (Array.isArray(schema)) return schema.map(markPublic) as S
  if (!isObject(schema)) return schema
  const changes: JsonObject = { public: true }
  if (isObject(schema.properties)) {
    const properties = Object.entries(schema.properties).map(([name, part]) => [name, markPublic(part)])
    changes.properties = Object.fromEntries(properties)
  }
  for (const name of ['items', 'anyOf', 'allOf'])
    if (schema[name] !== undefined) changes[name] = markPublic(schema[name])
  // TypeBox marks its schemas with symbols and with members that are not enumerable, so descriptors are copied.
  const descriptors: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(schema)
  for (const [name, value] of Object.entries(changes)) descriptors[name] = { value, enumerable: true }
  return Object.defineProperties({}, descriptors) as S
}

function mismatch(name: unknown): JwtKitError {
  const claim = typeof name === 'string' && name !== '' ? name : undefined
  const message =
    claim === undefined
      ? 'The claims are not those that the schema describes'
      : `The claim ${claim} is missing, or not as the schema describes it`
  return new JwtKitError('JWT_KIT_CLAIMS', message, {
    part: 'payload',
    ...(claim !== undefined && { claim }),
    hint: 'Compare the schema to a token of the provider: `explain` shows its claims.',
  })
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}
