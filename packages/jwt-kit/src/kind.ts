import { type Duration, LONGEST_LIFE, seconds } from './duration.ts'
import { JwtKitError } from './errors.ts'
import { type ClaimsChecks, type ClaimsOf, type ClaimsSchema, compileClaims } from './schema.ts'

/** What a kind of token is made of. */
export interface TokenKindOptions<C extends ClaimsSchema> {
  /** How long a token lives: from `'1s'` to {@link LONGEST_LIFE}. */
  readonly ttl: Duration
  /**
   * The claims, without the registered ones that are the kit's own (`iss aud iat exp nbf jti`). Each one's `description` is
   * what `explain` says of it. A claim whose name is sensitive needs `public: true`.
   */
  readonly claims: C
}

/** A kind of token, told apart from every other by the `typ` in its header (RFC 8725 §3.11). Made by {@link tokenKind}. */
export interface TokenKind<C extends ClaimsSchema = ClaimsSchema> {
  /** What stands in the header: `access+jwt`. */
  readonly typ: string
  /** Seconds. */
  readonly ttl: number
  /** The schema of its claims. */
  readonly claims: C
  /** The claims' checks, compiled. */
  readonly checks: ClaimsChecks
  /** Whether it is the access token of RFC 9068, which needs an audience. */
  readonly rfc9068: boolean
}

/** The claims that the kit writes and checks itself (RFC 7519 §4.1). Times are seconds since the epoch. */
export interface RegisteredClaims {
  /** Who issued it. */
  readonly iss: string
  /** Whom it is for. */
  readonly aud?: string | readonly string[]
  /** When it was issued. */
  readonly iat: number
  /** From when on it is not good any more. */
  readonly exp: number
  /** From when on it is good. */
  readonly nbf?: number
  /** Its own id. */
  readonly jti: string
}

/** What `verify` gives: the claims of the schema and the registered ones, frozen through and through. */
export type Claims<C extends ClaimsSchema> = Frozen<ClaimsOf<C>> & RegisteredClaims

/** A type whose every member, at any depth, is read-only. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T

/**
 * Defines a kind of token: its `typ`, how long it lives, and its claims.
 *
 * @param typ - the name of the kind, ending in `+jwt`: `'access+jwt'`. Not `at+jwt`, which is RFC 9068's: see `rfc9068Kind`.
 * @throws {JwtKitError} `JWT_KIT_OPTIONS`, or `JWT_KIT_SENSITIVE_CLAIM` for a claim whose value should not be readable.
 *
 * @example
 * ```js
 * import { Type } from '@sinclair/typebox'
 * import { tokenKind } from '@auth-primer/jwt-kit'
 *
 * const invite = tokenKind('invite+jwt', {
 *   ttl: '7d',
 *   claims: Type.Object({ team: Type.Integer({ description: 'the team that one is invited to' }) }),
 * })
 * console.log(invite.typ, invite.ttl) // invite+jwt 604800
 * ```
 */
export function tokenKind<C extends ClaimsSchema>(typ: string, options: TokenKindOptions<C>): TokenKind<C> {
  if (typ === 'at+jwt') {
    throw new JwtKitError('JWT_KIT_OPTIONS', 'The type at+jwt is that of RFC 9068, which asks for more', {
      hint: 'Use `rfc9068Kind`, or a name of your own such as access+jwt.',
    })
  }
  return defineKind(typ, options, false)
}

/** What every definition of a kind has in common. */
export function defineKind<C extends ClaimsSchema>(
  typ: string,
  options: TokenKindOptions<C>,
  rfc9068: boolean,
): TokenKind<C> {
  if (typeof typ !== 'string' || !/^[a-z][a-z0-9.-]{0,40}\+jwt$/.test(typ)) {
    throw new JwtKitError(
      'JWT_KIT_OPTIONS',
      'Expected the type of a token to be in lower case and to end in +jwt',
      {
        hint: `Name the kind, as in 'access+jwt': a bare 'JWT' tells no two kinds apart.`,
      },
    )
  }
  const ttl = seconds('ttl', options?.ttl, { min: '1s', max: LONGEST_LIFE })
  return Object.freeze({ typ, ttl, claims: options.claims, checks: compileClaims(options.claims), rfc9068 })
}
