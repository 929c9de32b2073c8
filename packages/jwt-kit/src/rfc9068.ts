import { JwtKitError } from './errors.ts'
import { defineKind, type TokenKind, type TokenKindOptions } from './kind.ts'
import type { ClaimsSchema } from './schema.ts'

/** Claims that RFC 9068 §2.2 demands of the service; the others that it demands are the kit's. */
export interface Rfc9068Claims extends ClaimsSchema {
  /** The schemas of the claims, by name. */
  readonly properties: {
    /** Whom the token is about. */
    readonly sub: object
    /** The client that it was issued to. */
    readonly client_id: object
    readonly [name: string]: object
  }
}

/**
 * Defines an OAuth 2.0 access token as RFC 9068 has it, for resource servers of other makers: its type is `at+jwt`, which
 * `application/at+jwt` may also spell; it has `sub`, `client_id` and `jti`, and the kit must have an audience.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` where `sub` or `client_id` is not a string that must be there.
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
  for (const name of ['sub', 'client_id'] as const) {
    const { type } = (kind.claims.properties[name] ?? {}) as { type?: unknown }
    const required = (kind.claims as { required?: readonly string[] }).required ?? []
    if (type === 'string' && required.includes(name)) continue
    throw new JwtKitError('JWT_KIT_OPTIONS', `Expected the claim ${name} to be a string that must be there`, {
      claim: name,
      hint: 'RFC 9068 §2.2 demands it: add it to the schema as Type.String().',
    })
  }
  return kind
}
