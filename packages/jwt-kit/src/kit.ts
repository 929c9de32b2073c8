import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { channels } from './channels.ts'
import type { KitContext } from './context.ts'
import { type Duration, seconds } from './duration.ts'
import { JwtKitError } from './errors.ts'
import { createPlugin, type KitPlugin } from './fastify.ts'
import { createGuard, type Guard, type RequestGuard } from './guard.ts'
import { Keyring } from './keyring.ts'
import type { Claims, TokenKind } from './kind.ts'
import type { ClaimsOf, ClaimsSchema } from './schema.ts'
import { createSign, type SignOptions } from './sign.ts'
import type { JsonObject } from './strict-json.ts'
import { createCheck } from './verify.ts'

/** The kinds of token of a kit, by the names that the kit has them under. */
export type Kinds = Readonly<Record<string, TokenKind>>

/** What a kit is made of. */
export interface JwtKitOptions<K extends Kinds> {
  /** Who issues the tokens (`iss`): a URL, or a name. */
  readonly issuer: string
  /** Whom the tokens are for (`aud`). Without one, a token that has an audience is refused. */
  readonly audience?: string
  readonly keys: Keyring
  readonly kinds: K
  /**
   * Whether a token that is good in every other way was revoked. Asked last. Where it throws, or answers neither true nor
   * false, the request is answered with a 503 and the token is not accepted.
   */
  readonly revoked?: (
    claims: Claims<K[keyof K]['claims']>,
    kind: keyof K & string,
  ) => boolean | Promise<boolean>
  /** How far ahead another machine's clock may be, for `iat` and `nbf`: at most `'60s'`. @default '5s' */
  readonly clockTolerance?: Duration
  /** How long after its `exp` a token is still good: at most `'60s'`. @default '0s' */
  readonly expiryTolerance?: Duration
  /** The clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: () => number
  /** Where token ids (`jti`) come from. @default crypto.randomUUID */
  readonly jti?: () => string
}

/** One kind of token, on a kit. */
export interface KitKind<C extends ClaimsSchema> {
  readonly typ: string
  /**
   * Signs a token.
   *
   * @throws {JwtKitError} `JWT_KIT_SIGN_CLAIMS`, `JWT_KIT_SIGN_TOO_LARGE`, `JWT_KIT_NO_SIGNING_KEY`.
   */
  sign(claims: ClaimsOf<C>, options?: SignOptions): string
  /**
   * Verifies a token: the claims, frozen, or a {@link JwtKitError} whose `code` says why not.
   */
  verify(token: string): Promise<Claims<C>>
  /** An `onRequest` hook that lets a request through that has a good token of this kind. */
  guard(): Guard
  /** The claims of a request that the guard let through. */
  of(request: object): Claims<C>
}

/** What every kit has. */
export interface KitBase {
  /** The Fastify plugin: puts this kit's checks behind `@fastify/jwt`'s decorators. */
  readonly plugin: KitPlugin
}

/** Signs and verifies kinds of tokens. Made by {@link jwtKit}. */
export type JwtKit<K extends Kinds> = KitBase & { readonly [N in keyof K]: KitKind<K[N]['claims']> }

const DEFAULTS = Object.freeze({ clockTolerance: '5s', expiryTolerance: '0s' })

/**
 * Makes a kit out of keys and kinds of token.
 *
 * @throws {JwtKitError} `JWT_KIT_OPTIONS` where an option is not as described.
 */
export function jwtKit<const K extends Kinds>(options: JwtKitOptions<K>): JwtKit<K> {
  const context = readOptions(options)
  const names = checkKinds(options.kinds, context)
  const parts = new Map<string, KindParts>()
  for (const name of names) {
    parts.set(
      name,
      createKind(name, options.kinds[name] as TokenKind, context, options.revoked as Revoked | undefined),
    )
  }
  const kit = { plugin: createPlugin(context, parts) }
  for (const [name, part] of parts) Object.assign(kit, { [name]: part.handle })
  const label = `[JwtKit ${context.issuer} ${names.join(' ')}]`
  for (const key of ['toJSON', 'toString', inspect.custom])
    Object.defineProperty(kit, key, { value: () => label })
  return Object.freeze(kit) as unknown as JwtKit<K>
}

/** A kind of token, with what the plugin needs of it. */
export interface KindParts {
  readonly handle: KitKind<ClaimsSchema>
  readonly requests: RequestGuard<JsonObject>
  readonly verify: (token: unknown) => Promise<JsonObject>
  readonly present: (payload: JsonObject) => JsonObject
}

type Revoked = (claims: JsonObject, kind: string) => unknown

function createKind(
  name: string,
  kind: TokenKind,
  context: KitContext,
  revoked: Revoked | undefined,
): KindParts {
  const { check, present } = createCheck(context, kind)
  const signer = createSign(context, kind)
  const sign = (claims: unknown, options?: SignOptions) => {
    const token = signer(claims, options)
    if (channels.sign.hasSubscribers) channels.sign.publish({ kind: name, algorithm: context.keys.algorithm })
    return token
  }
  const verify = async (token: unknown) => {
    try {
      const claims = check(token)
      if (revoked !== undefined) await confirm(revoked, claims, name)
      if (channels.accept.hasSubscribers) channels.accept.publish({ kind: name })
      return claims
    } catch (problem) {
      const { code, part, claim } = problem as JwtKitError
      if (channels.refuse.hasSubscribers) channels.refuse.publish({ kind: name, code, part, claim })
      throw problem
    }
  }
  const requests = createGuard(verify)
  const handle = Object.freeze({
    typ: kind.typ,
    sign,
    verify,
    guard: () => requests.guard,
    of: requests.of,
  }) as unknown as KitKind<ClaimsSchema>
  return { handle, requests, verify, present }
}

async function confirm(revoked: Revoked, claims: JsonObject, name: string): Promise<void> {
  let answer: unknown
  let cause: unknown
  try {
    answer = await revoked(claims, name)
  } catch (problem) {
    cause = problem
  }
  if (answer === false) return
  if (answer === true) {
    throw new JwtKitError('JWT_KIT_REVOKED', 'The token was revoked', {
      part: 'token',
      hint: 'Log in again.',
    })
  }
  throw new JwtKitError('JWT_KIT_REVOCATION_UNAVAILABLE', 'It cannot be told whether the token was revoked', {
    hint: 'Try again; and see why the `revoked` hook threw, or answered neither true nor false.',
    cause,
  })
}

function readOptions<K extends Kinds>(options: JwtKitOptions<K>): KitContext {
  const { issuer, audience, keys, now = Date.now, jti = randomUUID } = options ?? {}
  expect(typeof issuer === 'string' && issuer !== '', 'issuer', 'text')
  expect(audience === undefined || (typeof audience === 'string' && audience !== ''), 'audience', 'text')
  expect(keys instanceof Keyring, 'keys', 'a keyring')
  expect(typeof now === 'function', 'now', 'a function')
  expect(typeof jti === 'function', 'jti', 'a function')
  expect(options.revoked === undefined || typeof options.revoked === 'function', 'revoked', 'a function')
  const bounds = { min: '0s', max: '60s' }
  return {
    issuer,
    audience,
    keys,
    now,
    jti,
    clockTolerance: seconds('clockTolerance', options.clockTolerance ?? DEFAULTS.clockTolerance, bounds),
    expiryTolerance: seconds('expiryTolerance', options.expiryTolerance ?? DEFAULTS.expiryTolerance, bounds),
  }
}

const TAKEN = new Set([
  'plugin',
  'explain',
  'jwks',
  'securitySchemes',
  'then',
  'constructor',
  'toString',
  'toJSON',
  'valueOf',
])

function checkKinds(kinds: Kinds, context: KitContext): string[] {
  const names = Object.keys(kinds ?? {})
  expect(names.length > 0, 'kinds', 'at least one kind of token')
  const types = new Set<string>()
  for (const name of names) {
    const kind = kinds[name]
    expect(
      /^[a-z][A-Za-z0-9]*$/.test(name) && !TAKEN.has(name),
      'kinds',
      'kinds under free names in camel case',
    )
    expect(typeof kind?.typ === 'string' && kind.checks !== undefined, `kinds.${name}`, 'made by tokenKind')
    expect(!types.has((kind as TokenKind).typ), 'kinds', 'kinds of different types')
    expect(!kind?.rfc9068 || context.audience !== undefined, 'audience', 'there for a kind of RFC 9068')
    types.add((kind as TokenKind).typ)
  }
  return names
}

function expect(holds: boolean, option: string, what: string): void {
  if (holds) return
  throw new JwtKitError('JWT_KIT_OPTIONS', `Expected \`${option}\` to be ${what}`, {
    hint: 'See the options of jwtKit in the README.',
  })
}
