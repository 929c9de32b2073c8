import {
  type ClaimsOf,
  type ClaimsSchema,
  compileClaims,
  type FormatRegistry,
  type Frozen,
  JwtKitError,
} from '@auth-primer/jwt-kit'
import type { JsonObject } from './token.ts'

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

/** The result of `verify`: the claims that the schema names and the registered ones, frozen at every depth. */
export type RemoteClaims<C extends ClaimsSchema> = Frozen<ClaimsOf<C>> & RemoteRegisteredClaims

const REGISTERED = ['iss', 'aud', 'exp', 'iat', 'nbf', 'jti'] as const

/**
 * Returns a function that checks a verified payload against the schema, leaves out claims that the schema does not name, and
 * freezes the rest. It throws a `JwtKitError` with the code `JWT_KIT_CLAIMS`.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` if the schema cannot describe claims.
 */
export function createClaimsReader(
  schema: ClaimsSchema,
  formats?: FormatRegistry,
): (payload: JsonObject) => JsonObject {
  // The provider has already decided what its tokens reveal.
  const checks = compileClaims(schema, { formats, allowSensitiveNames: true })
  const names: ReadonlySet<string> = new Set([...checks.names, ...REGISTERED])
  return (payload) => {
    const fault = checks.atVerifying(payload)
    if (fault !== undefined) throw mismatch(fault.claim)
    const entries = Object.entries(payload).filter(([name]) => names.has(name))
    if (checks.closed && entries.length < Object.keys(payload).length) throw mismatch(undefined)
    return freeze(Object.fromEntries(entries))
  }
}

function mismatch(claim: string | undefined): JwtKitError {
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
