import { inspect } from 'node:util'
import { type BoundKind, bindKind, type KitKind, type Revoked } from './bound-kind.ts'
import { describeError, type Explanation, explainWith } from './explain.ts'
import { hasKind } from './header.ts'
import type { Jwks } from './jwk.ts'
import type { Keyring } from './keyring.ts'
import type { TokenKind } from './kind.ts'
import {
  checkKeyring,
  type JwtKitOptions,
  type Kinds,
  type KitContext,
  type RevokedForAll,
  readKitOptions,
} from './options.ts'

/** A security scheme object (OpenAPI 3.1 §4.8.27) for bearer tokens. */
export interface SecurityScheme {
  /** Credentials in a header of HTTP. */
  readonly type: 'http'
  /** The scheme `Bearer`. */
  readonly scheme: 'bearer'
  /** The format of the token: a JSON Web Token. */
  readonly bearerFormat: 'JWT'
  /** The type of the token and its claims. */
  readonly description: string
}

/** The parts that every kit has. */
export interface KitBase<K extends Kinds> {
  /**
   * Explains a token: its three parts, each claim in words, and why it is or is not accepted. With the original it also says
   * what was changed. The result contains what the token says, so keep it out of logs. It rejects no token.
   */
  explain(token: string, original?: string): Promise<Explanation>
  /** Returns the public halves of the keys that are not retired, to be served at `/.well-known/jwks.json`. */
  jwks(): Jwks
  /**
   * Replaces the keys at run time. The next token that is signed or verified uses the new ones, also in guards that were made
   * before. Keep the old key on the new ring until the tokens that it signed have expired.
   *
   * @throws {JwtKitError} `JWT_KIT_OPTIONS` if it is not a keyring. The old keys then stay in use.
   */
  replaceKeys(keys: Keyring): void
  /** The kinds as security schemes of OpenAPI, by name: for `components.securitySchemes`. */
  readonly securitySchemes: { readonly [N in keyof K]: SecurityScheme }
}

/** Signs and verifies kinds of tokens. Made by {@link jwtKit}. */
export type JwtKit<K extends Kinds> = KitBase<K> & { readonly [N in keyof K]: KitKind<K[N]['claims']> }

/** The inside of a kit, for the Fastify plugin. */
export interface KitParts {
  readonly context: KitContext
  readonly kinds: ReadonlyMap<string, BoundKind>
}

/** The inside of each kit. A map of this package, so that no property could print the keys. */
export const kitParts = new WeakMap<object, KitParts>()

/**
 * Makes a kit from keys and kinds of token.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` if an option is unknown or not as described.
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
export function jwtKit<const K extends Kinds>(options: JwtKitOptions<K>): JwtKit<K>
/** Makes a kit whose `revoked` treats all kinds alike. */
export function jwtKit<const K extends Kinds>(options: JwtKitOptions<K, RevokedForAll<K>>): JwtKit<K>
export function jwtKit<const K extends Kinds>(options: JwtKitOptions<K, unknown>): JwtKit<K> {
  const context = readKitOptions(options)
  const kinds = new Map<string, BoundKind>()
  for (const [name, kind] of Object.entries<TokenKind>(options.kinds)) {
    // `bindKind` passes the claims and the name of the same kind.
    kinds.set(name, bindKind(name, kind, context, options.revoked as Revoked | undefined))
  }
  const base: KitBase<K> = {
    explain: (token, original) => explain([...kinds.values()], context.now, token, original),
    jwks: () => context.keys.jwks(new Date(context.now())),
    replaceKeys: (keys) => {
      checkKeyring(keys)
      context.keys = keys
    },
    securitySchemes: createSecuritySchemes(options.kinds),
  }
  const handles = Object.fromEntries([...kinds].map(([name, { handle }]) => [name, handle]))
  const label = `[JwtKit ${context.issuer} ${[...kinds.keys()].join(' ')}]`
  const kit = Object.freeze(Object.assign(Object.create(createPrinter(label)), base, handles))
  kitParts.set(kit, { context, kinds })
  return kit
}

function createPrinter(label: string): object {
  const print = () => label
  return { toString: print, toJSON: print, [inspect.custom]: print }
}

async function explain(
  kinds: readonly BoundKind[],
  now: () => number,
  token: string,
  original: string | undefined,
): Promise<Explanation> {
  const seconds = now() / 1000
  const typ = explainWith(token, { original: undefined, now: seconds }).parts[0]?.value?.typ
  const named = kinds.find(({ kind }) => hasKind(typ, kind))
  // A kit has at least one kind.
  const verifier = (named ?? kinds[0]) as BoundKind
  const verdict = await verifier
    .verifySilently(token)
    .then(
      () => ({ accepted: true, reason: `It is a good token of type ${verifier.kind.typ}` }),
      describeError,
    )
  const properties = named?.kind.claims.properties as Record<string, { description?: string }> | undefined
  const describe = (claim: string) =>
    properties && Object.hasOwn(properties, claim) ? properties[claim]?.description : undefined
  return explainWith(token, { original, now: seconds, describe, verdict })
}

function createSecuritySchemes<K extends Kinds>(kinds: K): { readonly [N in keyof K]: SecurityScheme } {
  const entries = Object.entries(kinds).map(([name, { typ, claims }]) => {
    const rows = Object.entries(claims.properties as Record<string, { description?: string }>).map(
      ([claim, { description }]) => `\n- \`${claim}\`${description === undefined ? '' : `: ${description}`}`,
    )
    const description = `A token of type \`${typ}\`, in the header \`Authorization: Bearer <token>\`. Its claims:${rows.join('')}`
    return [name, Object.freeze({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description })]
  })
  return Object.freeze(Object.fromEntries(entries))
}
