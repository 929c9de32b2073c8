import { inspect } from 'node:util'
import { type Explanation, explainWith, verdictOf } from './explain.ts'
import { createPlugin, type KitPlugin } from './fastify.ts'
import { isOfKind } from './header.ts'
import type { Jwks } from './keyring.ts'
import type { TokenKind } from './kind.ts'
import { createKind, type KindParts, type KitKind } from './kit-kind.ts'
import { createSecuritySchemes, type SecurityScheme } from './openapi.ts'
import { type JwtKitOptions, type Kinds, readOptions } from './options.ts'
import type { Revoked } from './revoked.ts'

/** What every kit has. */
export interface KitBase<K extends Kinds> {
  /** The Fastify plugin: puts this kit's checks behind `@fastify/jwt`'s decorators. */
  readonly plugin: KitPlugin
  /**
   * Explains a token: its three parts, every claim in words, and why it would or would not be accepted. Given the original as
   * well, it says what was tampered with. It holds what the token says, so it is not for a log. There is no token that it rejects.
   */
  explain(token: string, original?: string): Promise<Explanation>
  /** The public halves of the keys that are not retired, ready to be served at `/.well-known/jwks.json`. */
  jwks(): Jwks
  /** The kinds as OpenAPI's security schemes, by name: for `components.securitySchemes`. */
  readonly securitySchemes: { readonly [N in keyof K]: SecurityScheme }
}

/** Signs and verifies kinds of tokens. Made by {@link jwtKit}. */
export type JwtKit<K extends Kinds> = KitBase<K> & { readonly [N in keyof K]: KitKind<K[N]['claims']> }

/**
 * Makes a kit out of keys and kinds of token.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` where an option is not as described.
 *
 * @example
 * ```js
 * import { randomBytes } from 'node:crypto'
 * import { Type } from '@sinclair/typebox'
 * import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
 *
 * const kit = jwtKit({
 *   issuer: 'https://auth.shop.example',
 *   keys: keyring('HS256', [{ kid: '2026-11', key: randomBytes(32) }]),
 *   kinds: { access: tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) }) },
 * })
 * const claims = await kit.access.verify(kit.access.sign({ sub: '7' }))
 * console.log(claims.sub, claims.iss) // 7 https://auth.shop.example
 * ```
 */
export function jwtKit<const K extends Kinds>(options: JwtKitOptions<K>): JwtKit<K> {
  const context = readOptions(options)
  const kinds = new Map<string, KindParts>()
  for (const [name, kind] of Object.entries<TokenKind>(options.kinds)) {
    kinds.set(name, createKind(name, kind, context, options.revoked as Revoked | undefined))
  }
  const base: KitBase<K> = {
    plugin: createPlugin(context, kinds),
    explain: (token, original) => explain([...kinds.values()], context.now, token, original),
    jwks: () => context.keys.jwks(new Date(context.now())),
    securitySchemes: createSecuritySchemes(options.kinds),
  }
  const handles = Object.fromEntries([...kinds].map(([name, { handle }]) => [name, handle]))
  const kit = Object.assign(
    Object.create(printsAs(`[JwtKit ${context.issuer} ${[...kinds.keys()].join(' ')}]`)),
    base,
    handles,
  )
  return Object.freeze(kit)
}

function printsAs(label: string): object {
  const value = () => label
  return { toString: value, toJSON: value, [inspect.custom]: value }
}

async function explain(
  kinds: readonly KindParts[],
  now: () => number,
  token: string,
  original: string | undefined,
): Promise<Explanation> {
  const seconds = now() / 1000
  const typ = explainWith(token, { original: undefined, now: seconds }).parts[0]?.value?.typ
  const named = kinds.find(({ kind }) => isOfKind(typ, kind))
  const judged = (named ?? kinds[0]) as KindParts
  const verdict = await judged
    .accept(token)
    .then(() => ({ accepted: true, reason: `It is a good token of type ${judged.kind.typ}` }), verdictOf)
  const properties = named?.kind.claims.properties as Record<string, { description?: string }> | undefined
  const describe = (claim: string) =>
    properties && Object.hasOwn(properties, claim) ? properties[claim]?.description : undefined
  return explainWith(token, { original, now: seconds, describe, verdict })
}
