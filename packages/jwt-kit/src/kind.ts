import { JwtKitError } from './errors.ts'
import type { FormatRegistry } from './formats.ts'
import { checkOptionNames, type Duration, LONGEST_LIFE, readSeconds } from './option-checks.ts'
import { type ClaimsChecks, type ClaimsOf, type ClaimsSchema, compileClaims } from './schema.ts'

/** The options of {@link tokenKind}. */
export interface TokenKindOptions<C extends ClaimsSchema> {
  /** The lifetime of a token: from `'1s'` to {@link LONGEST_LIFE}. */
  readonly ttl: Duration
  /**
   * The claims, without the registered ones that the kit writes (`iss aud iat exp nbf jti`). `explain` shows the
   * `description` of each one. A claim with a sensitive name needs `public: true`.
   */
  readonly claims: C
  /**
   * The registry of TypeBox that has the formats of the claims: `FormatRegistry` of 0.34, `Format` of 1.x. It is needed if
   * TypeBox is not found by its name: in a bundle or in Jest.
   */
  readonly formats?: FormatRegistry
}

/** A kind of token. The `typ` in its header distinguishes it from every other one (RFC 8725 §3.11). Made by {@link tokenKind}. */
export interface TokenKind<C extends ClaimsSchema = ClaimsSchema> {
  /** The `typ` in the header: `access+jwt`. */
  readonly typ: string
  /** The lifetime of a token in seconds. */
  readonly ttl: number
  /** The schema of its claims. */
  readonly claims: C
  /** The compiled checks of its claims. */
  readonly checks: ClaimsChecks
  /** True for the access token of RFC 9068, which needs an audience. */
  readonly rfc9068: boolean
}

/** The claims that the kit writes and checks itself (RFC 7519 §4.1). Times are seconds since the epoch. */
export interface RegisteredClaims {
  /** The issuer. */
  readonly iss: string
  /** The audience. */
  readonly aud?: string | readonly string[]
  /** The time of issue. */
  readonly iat: number
  /** The time from which it is no longer accepted. */
  readonly exp: number
  /** The time before which it is not accepted. */
  readonly nbf?: number
  /** The id of the token. */
  readonly jti: string
}

/** The claims that `verify` returns: those of the schema and the registered ones, frozen at every depth. */
export type Claims<C extends ClaimsSchema> = Frozen<ClaimsOf<C>> & RegisteredClaims

/** A type whose members are read-only at every depth. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/**
 * Defines a kind of token: its `typ`, how long it lives, and its claims.
 *
 * @param typ - the name of the kind, ending in `+jwt`: `'access+jwt'`. `at+jwt` belongs to RFC 9068: see {@link rfc9068Kind}.
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`, or `JWT_KIT_SENSITIVE_CLAIM` for a claim whose value should not be readable.
 *
 * @example
 * ```js
 * import { Type } from '@sinclair/typebox'
 * import { tokenKind } from '@auth-primer/jwt-kit'
 *
 * const invite = tokenKind('invite+jwt', {
 *   ttl: '7d',
 *   claims: Type.Object({ team: Type.Integer({ description: 'the team that invites' }) }),
 * })
 * console.log(invite.typ, invite.ttl) // invite+jwt 604800
 * ```
 */
export function tokenKind<C extends ClaimsSchema>(typ: string, options: TokenKindOptions<C>): TokenKind<C> {
  if (typ === 'at+jwt') {
    throw invalid(
      'The type at+jwt is that of RFC 9068, which requires more',
      'Use `rfc9068Kind`, or a name of your own such as access+jwt.',
    )
  }
  return defineKind(typ, options, false)
}

/** The schema of an access token of RFC 9068 §2.2. The kit writes the other claims that it requires. */
export type Rfc9068Claims = ClaimsSchema & {
  /** The schemas of the claims, by name. */
  readonly properties: {
    /** The subject of the token. */
    readonly sub: object
    /** The client that it was issued to. */
    readonly client_id: object
    readonly [name: string]: object
  }
}

/**
 * Defines the OAuth 2.0 access token of RFC 9068, which resource servers of other makers accept. Its type is `at+jwt`, also
 * spelled `application/at+jwt`; it has `sub`, `client_id` and `jti`, and the kit needs an audience.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` if `sub` or `client_id` is not a required string.
 *
 * @example
 * ```js
 * import { Type } from '@sinclair/typebox'
 * import { rfc9068Kind } from '@auth-primer/jwt-kit'
 *
 * const access = rfc9068Kind({
 *   ttl: '5m',
 *   claims: Type.Object({ sub: Type.String(), client_id: Type.String(), scope: Type.Optional(Type.String()) }),
 * })
 * console.log(access.typ) // at+jwt
 * ```
 */
export function rfc9068Kind<C extends Rfc9068Claims>(options: TokenKindOptions<C>): TokenKind<C> {
  const kind = defineKind('at+jwt', options, true)
  for (const claim of ['sub', 'client_id'] as const) {
    const { type } = (kind.claims.properties[claim] ?? {}) as { type?: unknown }
    const required = (kind.claims as { required?: readonly string[] }).required ?? []
    if (type === 'string' && required.includes(claim)) continue
    throw new JwtKitError('JWT_KIT_OPTIONS', `Expected the claim ${claim} to be a required string`, {
      claim,
      hint: 'RFC 9068 §2.2 requires it: add it to the schema as Type.String().',
    })
  }
  return kind
}

const OPTION_NAMES = ['ttl', 'claims', 'formats']

function defineKind<C extends ClaimsSchema>(
  typ: string,
  options: TokenKindOptions<C>,
  rfc9068: boolean,
): TokenKind<C> {
  if (typeof typ !== 'string' || !/^[a-z][a-z0-9.-]{0,40}\+jwt$/.test(typ)) {
    throw invalid(
      'Expected the type of a token to be in lower case and to end in +jwt',
      `Name the kind, as in 'access+jwt': 'JWT' does not tell two kinds apart.`,
    )
  }
  checkOptionNames('a kind of token', options, OPTION_NAMES)
  const ttl = readSeconds('ttl', options?.ttl, { min: '1s', max: LONGEST_LIFE })
  const { claims, formats } = options
  return Object.freeze({ typ, ttl, claims, checks: compileClaims(claims, { formats }), rfc9068 })
}

function invalid(message: string, hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_OPTIONS', message, { hint })
}
